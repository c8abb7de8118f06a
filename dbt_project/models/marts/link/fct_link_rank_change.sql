{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_cells(is_of_windows=true) }}',
        indexes=[
            {'columns': ['property_key', 'event_date', 'topic']},
        ],
    )
}}

{%- set states = check_states() %}

with
    affected as (select * from {{ ref('int_link__list_affected_cells') }}),

    affected_dates as (select distinct property_key, event_date from affected),

    events as (
        select events.*, affected.sample_nos
        from {{ ref('int_link__judge_events') }} as events
        inner join
            affected
            on affected.property_key = events.property_key
            and affected.event_date = events.event_date
            and affected.topic = events.topic
    ),

    samples as ({{ samples_of_windows() }}),

    bases as (select * from {{ ref('int_link__measure_bases') }}),

    series as (select * from {{ ref('int_link__list_series') }}),

    watched as (select * from {{ ref('int_link__watch_pages') }}),

    controls as (select * from {{ ref('int_effect__average_controls') }}),

    neighbours as (select * from {{ ref('int_link__count_neighbours') }}),

    check_horizons as materialized(
        select
            property_key,
            (
                select distinct on (totals.property_key) totals.day
                from {{ ref('int_link__sum_positions') }} as totals
                where totals.property_key = properties.property_key
                order by totals.property_key, totals.day desc
            ) as last_day
        from (select distinct property_key from affected) as properties
    ),

    look_horizons as (
        select property_key, min(day) as first_day, max(day) as last_day
        from {{ ref('int_link__judge_looks') }}
        where is_complete_look
        group by property_key
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
            affected_dates.property_key,
            affected_dates.event_date,
            samples.sample_no,
            updates.begins_on <= affected_dates.event_date + base.end_day
            and updates.ends_on >= affected_dates.event_date + base.begin_day as is_in_base,
            updates.begins_on <= affected_dates.event_date + samples.end_day
            and updates.ends_on >= affected_dates.event_date + samples.begin_day as is_in_window
        from affected_dates
        cross join samples
        cross join base
        inner join
            updates
            on updates.begins_on
            <= affected_dates.event_date + greatest(base.end_day, samples.end_day)
            and updates.ends_on
            >= affected_dates.event_date + least(base.begin_day, samples.begin_day)
    ),

    confounders as (
        select
            property_key,
            event_date,
            sample_no,
            bool_or(is_in_base) as has_update_in_base,
            bool_or(is_in_window) as has_update_in_window,
            bool_or(not is_in_base and not is_in_window) as has_update_between
        from spanned
        group by property_key, event_date, sample_no
    ),

    units as (
        select
            events.property_key,
            events.event_key,
            events.link_key,
            events.event_type,
            events.is_event,
            events.is_uncertain_date,
            events.is_history_short,
            events.sample_nos,
            bases.event_date,
            bases.page_key,
            events.topic,
            bases.series_key,
            series.keyword_key,
            series.engine,
            series.locale,
            series.device,
            bases.cell_key,
            bases.gap_days,
            bases.is_measured as is_base_measured,
            bases.expected_count as base_expected_count,
            bases.check_count as base_check_count,
            bases.measured_count as base_measured_count,
            bases.ranked_count as base_ranked_count,
            {%- for state in states %}
                bases.{{ state }}_count as base_{{ state }}_count,
            {%- endfor %}
            {%- for outcome in outcomes()[:2] %}
                case
                    when bases.is_measured then {{ window_mean('bases', outcome) }}
                end as base_{{ outcome['name'] }},
            {%- endfor %}
            watched.change_date,
            watched.watched_until_date,
            least(check_horizons.last_day, look_horizons.last_day) as last_day
        from events
        inner join
            bases
            on bases.property_key = events.property_key
            and bases.event_date = events.event_date
            and bases.page_key = events.page_key
        inner join
            series
            on series.property_key = bases.property_key
            and series.series_key = bases.series_key
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
            samples.sample_no,
            samples.window_name,
            samples.begin_day,
            samples.end_day,
            samples.horizon_day,
            {{ expected_checks('samples.begin_day', 'samples.end_day', 'units.gap_days') }}
            as expected_count
        from units
        inner join samples on samples.sample_no = any(units.sample_nos)
        -- A series' totals lie together.
        order by units.property_key, units.series_key, units.event_date
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
            {%- for outcome in outcomes()[:2] %}
                case
                    when 2 * measured.measured_count >= measured.expected_count
                    then {{ window_mean('measured', outcome) }}
                end as window_{{ outcome['name'] }},
            {%- endfor %}
            coalesce(controls.control_count, 0) as control_count,
            controls.base_position as control_base_position,
            controls.window_position as control_window_position,
            controls.base_log_position as control_base_log_position,
            controls.window_log_position as control_window_log_position,
            {%- for part in ['base', 'window'] %}
                {%- for state in states %}
                    controls.{{ part }}_{{ state }}_share as control_{{ part }}_{{ state }}_share,
                {%- endfor %}
            {%- endfor %}
            neighbours.other_link_count,
            coalesce(confounders.has_update_in_base, false) as has_update_in_base,
            coalesce(confounders.has_update_in_window, false) as has_update_in_window,
            coalesce(confounders.has_update_between, false) as has_update_between,
            coalesce(
                measured.change_date <= measured.event_date + measured.horizon_day, false
            ) as is_onpage_changed,
            coalesce(
                measured.watched_until_date < measured.event_date + measured.horizon_day, true
            ) as is_unwatched,
            coalesce(
                measured.event_date + measured.horizon_day > measured.last_day, true
            ) as is_future_incomplete
        from measured
        inner join
            neighbours
            on neighbours.property_key = measured.property_key
            and neighbours.event_key = measured.event_key
            and neighbours.horizon_day = measured.horizon_day
        left join
            controls
            on controls.property_key = measured.property_key
            and controls.cell_key = measured.cell_key
            and controls.sample_no = measured.sample_no
        left join
            confounders
            on confounders.property_key = measured.property_key
            and confounders.event_date = measured.event_date
            and confounders.sample_no = measured.sample_no
    ),

    -- The first reason that holds is the one given.
    reasoned as (
        select
            *,
            case
                when not is_event
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
    base_expected_count::integer as base_expected_count,
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
