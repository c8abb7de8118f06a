{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_dates() }}',
        indexes=[
            {'columns': ['property_key', 'event_key']},
            {'columns': ['property_key', 'event_date']},
        ],
    )
}}

{%- set states = ['found', 'not_found', 'truncated', 'failed'] %}

with
    affected as (select * from {{ ref('int_link__list_affected_dates') }}),

    events as (
        select link_event.*
        from {{ ref('fct_link_event') }} as link_event
        inner join
            affected
            on affected.property_key = link_event.property_key
            and affected.event_date = link_event.event_date
        where link_event.event_type in ('acquired', 'lost', 'restored')
    ),

    -- Links that one domain gives to one page on one date are one event; a followed one stands
    -- for all, then the lowest key.
    grouped as (
        select
            *,
            row_number() over (
                partition by
                    property_key,
                    page_key,
                    event_date,
                    event_type,
                    coalesce(source_domain_key, source_page_key)
                order by coalesce(is_followed, false) desc, link_key, event_key
            ) as member_no,
            count(*) over (
                partition by
                    property_key,
                    page_key,
                    event_date,
                    event_type,
                    coalesce(source_domain_key, source_page_key)
            ) as member_count
        from events
    ),

    windows as (
        select *, greatest(end_day, 34) as isolated_until_day
        from {{ ref('link_windows') }}
        where window_name <> 'base'
    ),

    bases as (select * from {{ ref('int_link__measure_bases') }}),

    gaps as (select * from {{ ref('int_link__space_checks') }}),

    watched as (select * from {{ ref('int_link__watch_pages') }}),

    controls as (select * from {{ ref('int_link__average_controls') }}),

    check_horizons as (
        select property_key, max(day) as last_day
        from {{ ref('int_link__sum_positions') }}
        group by property_key
    ),

    look_horizons as (
        select property_key, min(day) as first_day, max(day) as last_day
        from {{ ref('int_link__judge_looks') }}
        where is_complete_look
        group by property_key
    ),

    page_dates as (
        select distinct events.property_key, events.page_key, events.event_date from events
    ),

    horizons as (
        select distinct greatest(end_day, 34) as isolated_until_day
        from {{ ref('link_windows') }}
        where window_name <> 'base'
    ),

    -- Link events around each event, on the URLs that led to its page as of its date.
    neighbours as (
        select
            page_dates.property_key,
            page_dates.page_key,
            page_dates.event_date,
            placed.link_date - page_dates.event_date as distance_days,
            sum(placed.event_count) as event_count
        from page_dates
        inner join
            {{ ref('int_link__place_events') }} as placed
            on placed.property_key = page_dates.property_key
            and placed.page_key = page_dates.page_key
            and placed.link_date between page_dates.event_date - 56 and page_dates.event_date + 90
            and page_dates.event_date >= placed.from_date
            and page_dates.event_date < placed.to_date
        group by
            page_dates.property_key, page_dates.page_key, page_dates.event_date, placed.link_date
    ),

    neighbourhoods as (
        select
            neighbours.property_key,
            neighbours.page_key,
            neighbours.event_date,
            horizons.isolated_until_day,
            sum(neighbours.event_count) filter (
                where neighbours.distance_days <= horizons.isolated_until_day
            ) as event_count
        from neighbours
        cross join horizons
        group by
            neighbours.property_key,
            neighbours.page_key,
            neighbours.event_date,
            horizons.isolated_until_day
    ),

    base as (select begin_day, end_day from {{ ref('link_windows') }} where window_name = 'base'),

    updates as (
        select begins_on, coalesce(ends_on, 'infinity') as ends_on
        from {{ ref('dim_google_update') }}
        where is_confounder
    ),

    -- Updates of Google that touch the days from the base to the window's end (of a window before
    -- it: from its begin).
    spanned as (
        select
            affected.property_key,
            affected.event_date,
            windows.window_name,
            updates.begins_on <= affected.event_date + base.end_day
            and updates.ends_on >= affected.event_date + base.begin_day as is_in_base,
            updates.begins_on <= affected.event_date + windows.end_day
            and updates.ends_on >= affected.event_date + windows.begin_day as is_in_window
        from affected
        cross join windows
        cross join base
        inner join
            updates
            on updates.begins_on <= affected.event_date + greatest(base.end_day, windows.end_day)
            and updates.ends_on >= affected.event_date + least(base.begin_day, windows.begin_day)
    ),

    confounders as (
        select
            property_key,
            event_date,
            window_name,
            bool_or(is_in_base) as has_update_in_base,
            bool_or(is_in_window) as has_update_in_window,
            bool_or(not is_in_base and not is_in_window) as has_update_between
        from spanned
        group by property_key, event_date, window_name
    ),

    units as (
        select
            grouped.property_key,
            grouped.event_key,
            grouped.link_key,
            grouped.event_type,
            grouped.is_uncertain_date,
            grouped.member_no,
            grouped.member_count,
            bases.event_date,
            bases.page_key,
            bases.topic,
            bases.keyword_key,
            bases.engine,
            bases.locale,
            bases.device,
            bases.is_measured as is_base_measured,
            bases.expected_count as base_expected_count,
            bases.check_count as base_check_count,
            bases.measured_count as base_measured_count,
            bases.ranked_count as base_ranked_count,
            {%- for state in states %}
                bases.{{ state }}_count as base_{{ state }}_count,
            {%- endfor %}
            case
                when bases.is_measured then bases.position_sum::numeric / bases.measured_count
            end as base_position,
            case
                when bases.is_measured then bases.log_position_sum / bases.measured_count
            end as base_log_position,
            gaps.gap_days,
            watched.change_date,
            watched.watched_until_date,
            coalesce(look_horizons.first_day > bases.event_date - 56, true) as is_history_short,
            least(check_horizons.last_day, look_horizons.last_day) as last_day
        from grouped
        inner join
            bases
            on bases.property_key = grouped.property_key
            and bases.event_date = grouped.event_date
            and bases.page_key = grouped.page_key
        inner join
            gaps on gaps.property_key = bases.property_key and gaps.event_date = bases.event_date
        inner join
            watched
            on watched.property_key = bases.property_key
            and watched.event_date = bases.event_date
            and watched.page_key = bases.page_key
        inner join check_horizons on check_horizons.property_key = bases.property_key
        left join look_horizons on look_horizons.property_key = bases.property_key
    ),

    unit_windows as (
        select
            units.*,
            windows.window_name,
            windows.begin_day,
            windows.end_day,
            windows.isolated_until_day,
            greatest(
                round((windows.end_day - windows.begin_day + 1)::numeric / units.gap_days), 1
            )::integer as expected_count
        from units
        cross join windows
    ),

    measured as (
        select unit_windows.*, {{ window_totals() }}
        from unit_windows {{ join_window('unit_windows') }}
    ),

    joined as (
        select
            measured.*,
            coalesce(
                2 * measured.measured_count >= measured.expected_count, false
            ) as is_window_measured,
            case
                when 2 * measured.measured_count >= measured.expected_count
                then measured.position_sum::numeric / measured.measured_count
            end as window_position,
            case
                when 2 * measured.measured_count >= measured.expected_count
                then measured.log_position_sum / measured.measured_count
            end as window_log_position,
            coalesce(controls.control_count, 0) as control_count,
            controls.base_position as control_base_position,
            controls.window_position as control_window_position,
            controls.base_log_position as control_base_log_position,
            controls.window_log_position as control_window_log_position,
            {%- for state in states %}
                controls.base_{{ state }}_share as control_base_{{ state }}_share,
                controls.window_{{ state }}_share as control_window_{{ state }}_share,
            {%- endfor %}
            (neighbourhoods.event_count - measured.member_count)::integer as other_link_count,
            coalesce(confounders.has_update_in_base, false) as has_update_in_base,
            coalesce(confounders.has_update_in_window, false) as has_update_in_window,
            coalesce(confounders.has_update_between, false) as has_update_between,
            coalesce(
                measured.change_date <= measured.event_date + measured.isolated_until_day, false
            ) as is_onpage_changed,
            coalesce(
                measured.watched_until_date < measured.event_date + measured.isolated_until_day,
                true
            ) as is_unwatched,
            measured.event_date + measured.isolated_until_day
            > measured.last_day as is_future_incomplete
        from measured
        left join
            controls
            on controls.property_key = measured.property_key
            and controls.event_date = measured.event_date
            and controls.topic = measured.topic
            and controls.engine = measured.engine
            and controls.locale = measured.locale
            and controls.device = measured.device
            and controls.window_name = measured.window_name
        left join
            neighbourhoods
            on neighbourhoods.property_key = measured.property_key
            and neighbourhoods.page_key = measured.page_key
            and neighbourhoods.event_date = measured.event_date
            and neighbourhoods.isolated_until_day = measured.isolated_until_day
        left join
            confounders
            on confounders.property_key = measured.property_key
            and confounders.event_date = measured.event_date
            and confounders.window_name = measured.window_name
    ),

    -- The first reason that holds is the one given.
    reasoned as (
        select
            *,
            case
                when member_no > 1
                then 'same_event'
                when is_uncertain_date
                then 'uncertain_date'
                when is_history_short
                then 'short_history'
                when is_future_incomplete
                then 'future_incomplete'
                when not is_base_measured or not is_window_measured
                then 'unmeasured'
                when base_ranked_count = 0
                then 'not_ranking'
                when other_link_count > 0
                then 'other_link'
                when is_onpage_changed
                then 'onpage_change'
                when control_count = 0
                then 'no_controls'
            end as reason
        from joined
    )

select
    property_key,
    event_key,
    keyword_key,
    engine,
    locale,
    device,
    window_name,
    link_key,
    page_key,
    topic,
    event_type,
    event_date,
    (event_date + begin_day)::date as window_first_date,
    (event_date + end_day)::date as window_last_date,
    base_position::double precision as base_position,
    window_position::double precision as window_position,
    (window_position - base_position)::double precision as position_change,
    base_log_position::double precision as base_log_position,
    window_log_position::double precision as window_log_position,
    (window_log_position - base_log_position)::double precision as log_position_change,
    base_expected_count,
    base_check_count::integer as base_check_count,
    base_measured_count::integer as base_measured_count,
    expected_count as window_expected_count,
    check_count::integer as window_check_count,
    measured_count::integer as window_measured_count,
    {%- for state in states %}
        base_{{ state }}_count::double precision
        / nullif(base_check_count, 0) as base_{{ state }}_share,
        {{ state }}_count::double precision / nullif(check_count, 0) as window_{{ state }}_share,
    {%- endfor %}
    control_count,
    control_base_position::double precision as control_base_position,
    control_window_position::double precision as control_window_position,
    (control_window_position - control_base_position)::double precision as control_position_change,
    control_base_log_position::double precision as control_base_log_position,
    control_window_log_position::double precision as control_window_log_position,
    (control_window_log_position - control_base_log_position)::double precision
    as control_log_position_change,
    {%- for state in states %}
        control_base_{{ state }}_share::double precision as control_base_{{ state }}_share,
        control_window_{{ state }}_share::double precision as control_window_{{ state }}_share,
    {%- endfor %}
    case
        when reason is null
        then
            (
                (window_position - base_position)
                - (control_window_position - control_base_position)
            )::double precision
    end as position_difference,
    case
        when reason is null
        then
            (
                (window_log_position - base_log_position)
                - (control_window_log_position - control_base_log_position)
            )::double precision
    end as log_position_difference,
    other_link_count,
    is_onpage_changed,
    not is_onpage_changed and is_unwatched as is_onpage_unknown,
    has_update_in_base,
    has_update_in_window,
    has_update_between,
    reason
from reasoned
