{{ config(materialized='table', indexes=[{'columns': ['property_key', 'event_date'], 'unique': True}]) }}

with
    affected as (
        select distinct property_key, event_date from {{ ref('int_link__list_affected_cells') }}
    ),

    published_days as (
        select distinct property_key, day
        from {{ source('ops', 'publication') }} as publication
        where is_current and {{ is_of_kind('publication', ['checks']) }}
    ),

    gaps as (
        select
            affected.property_key,
            affected.event_date,
            published_days.day - lag(published_days.day) over (
                partition by affected.property_key, affected.event_date order by published_days.day
            ) as gap_days
        from affected
        left join
            published_days
            on published_days.property_key = affected.property_key
            and published_days.day
            between affected.event_date
            - {{ var('link_memory_days') | int }} and affected.event_date
            - 1
    )

-- The usual distance of two nights of checks in the weeks before. A night that failed lengthens
-- one gap, not the usual one, so that it stays expected.
select property_key, event_date, coalesce(mode() within group (order by gap_days), 1) as gap_days
from gaps
group by property_key, event_date
