{{ config(materialized='table', indexes=[{'columns': ['property_key', 'event_key']}]) }}

with
    affected as (select * from {{ ref('int_link__list_affected_cells') }}),

    horizons as (select distinct horizon_day from {{ ref('int_effect__list_samples') }}),

    events as (
        select events.*
        from {{ ref('int_link__judge_events') }} as events
        inner join
            affected
            on affected.property_key = events.property_key
            and affected.topic = events.topic
            and affected.event_date = events.event_date
    ),

    -- Changes of the page's links around the event, on the URLs that led to it that day; what the
    -- same domain gives or takes on the same date is the event itself.
    neighbours as (
        select
            events.property_key,
            events.event_key,
            changes.change_date - events.event_date as distance_days
        from events
        inner join
            {{ ref('int_link__place_changes') }} as changes
            on changes.property_key = events.property_key
            and changes.page_key = events.page_key
            and changes.change_date >= events.event_date - {{ var('link_memory_days') | int }}
            and changes.change_date <= events.event_date + (select max(horizon_day) from horizons)
            and events.event_date >= changes.from_date
            and events.event_date < changes.to_date
            and not (
                changes.linking_key = events.linking_key
                and changes.change_date = events.event_date
                and changes.direction = events.direction
            )
    )

select
    events.property_key,
    events.event_key,
    horizons.horizon_day,
    count(neighbours.distance_days)::integer as other_link_count
from events
cross join horizons
left join
    neighbours
    on neighbours.property_key = events.property_key
    and neighbours.event_key = events.event_key
    and neighbours.distance_days <= horizons.horizon_day
group by events.property_key, events.event_key, horizons.horizon_day
