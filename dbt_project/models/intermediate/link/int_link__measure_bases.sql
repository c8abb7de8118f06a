{{
    config(
        materialized='table',
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
            base.begin_day,
            base.end_day,
            gaps.gap_days,
            {{ expected_checks('base.begin_day', 'base.end_day', 'gaps.gap_days') }}
            as expected_count
        from frozen
        cross join base
        inner join
            gaps on gaps.property_key = frozen.property_key and gaps.event_date = frozen.event_date
    ),

    measured as (
        select
            units.property_key,
            units.event_date,
            units.series_key,
            units.keyword_key,
            units.engine,
            units.locale,
            units.device,
            units.page_key,
            units.topic,
            units.gap_days,
            units.expected_count,
            {{ window_totals() }}
        from units {{ join_window('units') }}
    )

select *, coalesce(2 * measured_count >= expected_count, false) as is_measured
from measured
