{{ config(materialized='ephemeral') }}

with
    affected as (select * from {{ ref('int_link__list_affected_cells') }}),

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

    check_horizons as materialized(
        select properties.property_key, totals.day as last_day
        from (select distinct property_key from affected) as properties
        cross join
            lateral(
                select distinct on (sums.property_key) sums.day
                from {{ ref('int_link__sum_positions') }} as sums
                where sums.property_key = properties.property_key
                order by sums.property_key, sums.day desc
            ) as totals
    ),

    look_horizons as (
        select property_key, max(day) as last_day
        from {{ ref('int_link__judge_looks') }}
        where is_complete_look
        group by property_key
    ),

    units as (
        select
            events.property_key,
            events.event_key,
            events.link_key,
            events.event_type,
            events.is_event,
            events.is_uncertain_date,
            events.is_index_change,
            events.is_history_short,
            events.topic,
            events.sample_nos,
            bases.event_date,
            bases.page_key,
            bases.series_key,
            bases.cell_key,
            bases.gap_days,
            bases.depth,
            series.keyword_key,
            series.engine,
            series.locale,
            series.device,
            bases.is_measured as is_base_measured,
            bases.expected_count as base_expected_count,
            bases.check_count as base_check_count,
            bases.measured_count as base_measured_count,
            bases.ranked_count as base_ranked_count,
            {%- for state in check_states() %}
                bases.{{ state }}_count::double precision
                / nullif(bases.check_count, 0) as base_{{ state }}_share,
            {%- endfor %}
            {%- for outcome in outcomes()[:2] %}
                case
                    when bases.is_measured then {{ window_mean('bases', outcome) }}
                end as base_{{ outcome['name'] }},
            {%- endfor %}
            watched.change_date,
            watched.watched_until_date,
            least(check_horizons.last_day, look_horizons.last_day) as known_until_date
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
        inner join
            {{ ref('int_effect__list_depths') }} as depths
            on depths.property_key = units.property_key
            and depths.event_date = units.event_date
            and depths.sample_no = samples.sample_no
            and depths.depth = units.depth
        -- A series' totals lie together.
        order by units.property_key, units.series_key, units.event_date
    ),

    measured as (
        select unit_windows.*, {{ window_totals() }}
        from unit_windows {{ join_window('unit_windows') }}
    ),

    judged as (
        select *, coalesce(2 * measured_count >= expected_count, false) as is_window_measured
        from measured
    )

select
    property_key,
    event_key,
    keyword_key,
    engine,
    locale,
    device,
    sample_no,
    window_name,
    begin_day,
    end_day,
    horizon_day,
    event_date,
    event_type,
    link_key,
    page_key,
    topic,
    cell_key,
    is_event,
    is_uncertain_date,
    is_index_change,
    is_history_short,
    is_base_measured,
    is_window_measured,
    base_ranked_count,
    {%- for outcome in outcomes()[:2] %}
        base_{{ outcome['name'] }},
        case
            when is_window_measured then {{ window_mean('judged', outcome) }}
        end as window_{{ outcome['name'] }},
    {%- endfor %}
    base_expected_count,
    base_check_count,
    base_measured_count,
    expected_count as window_expected_count,
    check_count as window_check_count,
    measured_count as window_measured_count,
    {%- for state in check_states() %}
        base_{{ state }}_share,
        {{ state }}_count::double precision / nullif(check_count, 0) as window_{{ state }}_share,
    {%- endfor %}
    change_date,
    watched_until_date,
    known_until_date
from judged
