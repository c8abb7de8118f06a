{{
    config(
        materialized='table',
        pre_hook='{{ join_as_written() }}',
        indexes=[{'columns': ['property_key', 'event_date', 'page_key']}],
    )
}}

with
    frozen as (select * from {{ ref('int_link__freeze_keywords') }}),

    base as (select begin_day, end_day from {{ ref('link_windows') }} where window_name = 'base'),

    gaps as (select * from {{ ref('int_link__space_checks') }}),

    units as (
        select
            frozen.*,
            series.engine,
            series.locale,
            series.device,
            base.begin_day,
            base.end_day,
            gaps.gap_days,
            depths.depth,
            {{ expected_checks('base.begin_day', 'base.end_day', 'gaps.gap_days') }}
            as expected_count
        from frozen
        cross join base
        inner join
            {{ ref('int_link__list_series') }} as series
            on series.property_key = frozen.property_key
            and series.series_key = frozen.series_key
        inner join
            gaps on gaps.property_key = frozen.property_key and gaps.event_date = frozen.event_date
        inner join
            (select distinct property_key, depth from {{ ref('stg_ops__panel_depth') }}) as depths
            on depths.property_key = frozen.property_key
        -- A series' totals lie together, and so do a page's bases later.
        order by
            frozen.property_key, frozen.topic, frozen.page_key, frozen.series_key, frozen.event_date
    ),

    measured as (select units.*, {{ window_totals() }} from units {{ join_window('units') }})

select
    property_key,
    event_date,
    series_key,
    page_key,
    {{ cell_key('engine', 'topic', 'event_date', 'locale', 'device') }} as cell_key,
    {%- for total in position_totals() %}
        {{ total }}::{{ 'bigint' if total.endswith('_sum') else 'smallint' }} as {{ total }},
    {%- endfor %}
    depth::smallint as depth,
    gap_days::smallint as gap_days,
    expected_count::smallint as expected_count,
    coalesce(2 * measured_count >= expected_count, false) as is_measured
from measured
