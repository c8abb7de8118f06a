{{ config(materialized='table', indexes=[{'columns': ['property_key', 'event_date', 'page_key']}]) }}

with
    frozen as (select * from {{ ref('int_link__freeze_keywords') }}),

    base as (select begin_day, end_day from {{ ref('link_windows') }} where window_name = 'base'),

    gaps as (select * from {{ ref('int_link__space_checks') }}),

    units as (
        select
            frozen.*,
            base.begin_day,
            base.end_day,
            greatest(
                round((base.end_day - base.begin_day + 1)::numeric / gaps.gap_days), 1
            )::integer as expected_count
        from frozen
        cross join base
        inner join
            gaps on gaps.property_key = frozen.property_key and gaps.event_date = frozen.event_date
    ),

    measured as (
        select
            units.property_key,
            units.event_date,
            units.keyword_key,
            units.engine,
            units.locale,
            units.device,
            units.page_key,
            units.topic,
            units.expected_count,
            {{ window_totals() }}
        from units {{ join_window('units') }}
    )

select *, 2 * measured_count >= expected_count as is_measured
from measured
