{{ config(materialized='table', indexes=[{'columns': ['property_key', 'event_key'], 'unique': True}]) }}

with
    events as (
        select
            judged.property_key, judged.event_key, judged.topic, judged.event_date, placed.witness
        from {{ ref('int_link__judge_events') }} as judged
        inner join
            {{ ref('int_link__place_events') }} as placed
            on placed.property_key = judged.property_key
            and placed.event_key = judged.event_key
        where judged.is_event and judged.arm = 'acquired_followed' and judged.topic is not null
    ),

    described as (select * from {{ ref('int_effect__describe_events') }})

-- Each vendor has a scale of its own; what it does not know counts as its mean.
select
    events.property_key,
    events.event_key,
    events.topic,
    events.event_date,
    coalesce(
        described.known_authority / nullif(
            avg(described.known_authority) over (partition by events.property_key, events.witness),
            0
        ),
        1
    )::double precision as exposure
from events
left join
    described
    on described.property_key = events.property_key
    and described.event_key = events.event_key
