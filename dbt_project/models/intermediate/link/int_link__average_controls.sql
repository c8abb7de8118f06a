{{ config(materialized='table', indexes=[{'columns': ['property_key', 'event_date', 'topic']}]) }}

with
    bases as (select * from {{ ref('int_link__measure_bases') }}),

    windows as (
        select *, greatest(end_day, 34) as isolated_until_day
        from {{ ref('link_windows') }}
        where window_name <> 'base'
    ),

    watched as (select * from {{ ref('int_link__watch_pages') }}),

    gaps as (select * from {{ ref('int_link__space_checks') }}),

    event_pages as (
        select distinct property_key, event_date, page_key
        from {{ ref('fct_link_event') }}
        where event_type in ('acquired', 'lost', 'restored')
    ),

    -- Controls are wanted where a link event has a keyword: its topic, on its date, as it is
    -- checked.
    cells as (
        select distinct
            bases.property_key,
            bases.event_date,
            bases.topic,
            bases.engine,
            bases.locale,
            bases.device
        from bases
        inner join
            event_pages
            on event_pages.property_key = bases.property_key
            and event_pages.event_date = bases.event_date
            and event_pages.page_key = bases.page_key
    ),

    units as (
        select bases.*
        from bases
        inner join
            cells
            on cells.property_key = bases.property_key
            and cells.event_date = bases.event_date
            and cells.topic = bases.topic
            and cells.engine = bases.engine
            and cells.locale = bases.locale
            and cells.device = bases.device
        where bases.is_measured and bases.ranked_count > 0
    ),

    -- A control has no link event from 56 days before the date, and no known on-page change from
    -- 14 days before, until 34
    -- days after it or the window's end, whichever is later.
    candidates as (
        select
            units.property_key,
            units.event_date,
            units.topic,
            units.engine,
            units.locale,
            units.device,
            units.keyword_key,
            units.page_key,
            units.position_sum::numeric / units.measured_count as base_position,
            units.log_position_sum / units.measured_count as base_log_position,
            units.check_count as base_check_count,
            units.found_count as base_found_count,
            units.not_found_count as base_not_found_count,
            units.truncated_count as base_truncated_count,
            units.failed_count as base_failed_count,
            windows.window_name,
            windows.begin_day,
            windows.end_day,
            greatest(
                round((windows.end_day - windows.begin_day + 1)::numeric / gaps.gap_days), 1
            ) as expected_count
        from units
        inner join
            watched
            on watched.property_key = units.property_key
            and watched.event_date = units.event_date
            and watched.page_key = units.page_key
        inner join
            gaps on gaps.property_key = units.property_key and gaps.event_date = units.event_date
        cross join windows
        where
            (
                watched.link_date is null
                or watched.link_date > units.event_date + windows.isolated_until_day
            )
            and (
                watched.change_date is null
                or watched.change_date > units.event_date + windows.isolated_until_day
            )
    ),

    measured as (
        select candidates.*, {{ window_totals() }} from candidates {{ join_window('candidates') }}
    ),

    page_means as (
        select
            property_key,
            event_date,
            topic,
            engine,
            locale,
            device,
            window_name,
            page_key,
            avg(base_position) as base_position,
            avg(position_sum::numeric / measured_count) as window_position,
            avg(base_log_position) as base_log_position,
            avg(log_position_sum / measured_count) as window_log_position,
            sum(base_check_count) as base_check_count,
            sum(base_found_count) as base_found_count,
            sum(base_not_found_count) as base_not_found_count,
            sum(base_truncated_count) as base_truncated_count,
            sum(base_failed_count) as base_failed_count,
            sum(check_count) as window_check_count,
            sum(found_count) as window_found_count,
            sum(not_found_count) as window_not_found_count,
            sum(truncated_count) as window_truncated_count,
            sum(failed_count) as window_failed_count
        from measured
        where measured_count > 0 and 2 * measured_count >= expected_count
        group by property_key, event_date, topic, engine, locale, device, window_name, page_key
    )

select
    property_key,
    event_date,
    topic,
    engine,
    locale,
    device,
    window_name,
    count(*)::integer as control_count,
    avg(base_position) as base_position,
    avg(window_position) as window_position,
    avg(base_log_position) as base_log_position,
    avg(window_log_position) as window_log_position,
    {%- for part in ['base', 'window'] %}
        {%- for state in ['found', 'not_found', 'truncated', 'failed'] %}
            sum({{ part }}_{{ state }}_count) / sum(
                {{ part }}_check_count
            ) as {{ part }}_{{ state }}_share{{ ',' if not (loop.last and part == 'window') }}
        {%- endfor %}
    {%- endfor %}
from page_means
group by property_key, event_date, topic, engine, locale, device, window_name
