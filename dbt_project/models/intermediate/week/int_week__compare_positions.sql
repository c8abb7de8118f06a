{{ config(materialized='table') }}

with
    properties as (select property_key, engine, depth from {{ ref('stg_ops__property') }}),

    spans as ({{ span_of_weeks('positions') }}),

    -- As in the panel of effects: a check to less than the panel's depth measures nothing, and
    -- what lies deeper, or nowhere, counts as depth + 1.
    checks as (
        select
            checked.property_key,
            {{ week_no_of('checked.day') }} as week_no,
            {{ week_end_of('checked.day') }} as last_day,
            checked.keyword_key,
            checked.locale,
            checked.device,
            case
                when checked.state = 'found'
                then least(checked.position, properties.depth + 1)
                else properties.depth + 1
            end as measured_position
        from {{ ref('fct_serp_position') }} as checked
        inner join
            properties
            on properties.property_key = checked.property_key
            and properties.engine = checked.engine
        inner join
            spans as span
            on span.property_key = checked.property_key
            and checked.day between span.first_day and span.last_day
        where checked.state in ('found', 'not_found') and checked.depth >= properties.depth
    ),

    -- The middle one of a week's: a single odd day moves nothing.
    middles as (
        select
            property_key,
            week_no,
            last_day,
            keyword_key,
            locale,
            device,
            percentile_disc(0.5) within group (order by measured_position) as position
        from checks
        group by property_key, week_no, last_day, keyword_key, locale, device
    ),

    preceded as (
        select
            *,
            lag(position) over series_weeks as previous_position,
            lag(week_no) over series_weeks as previous_week_no
        from middles
        window
            series_weeks as (
                partition by property_key, keyword_key, locale, device order by week_no desc
            )
    )

select property_key, week_no, last_day, keyword_key, locale, device, position, previous_position
from preceded
where previous_week_no = week_no + 1
