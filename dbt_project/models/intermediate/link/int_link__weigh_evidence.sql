{{ config(materialized='table', indexes=[{'columns': ['property_key', 'event_key']}]) }}

with
    events as (select * from {{ ref('int_link__place_events') }}),

    spans as (select * from {{ ref('int_link__date_spans') }}),

    nights as ({{ told_nights() }}),

    met as (
        select events.property_key, events.event_key
        from events
        inner join
            nights
            on nights.property_key = events.property_key
            and nights.link_key = events.link_key
            and nights.is_seen
            and nights.day >= coalesce(events.event_date, events.observed_date)
            and nights.day <= coalesce(events.event_date, events.observed_date) + 14
        where events.event_type in ('present_at_start', 'acquired', 'restored')
        group by events.property_key, events.event_key
    ),

    -- Two witnesses of one thing, within two weeks of one another.
    agreed as (
        select events.property_key, events.event_key
        from events
        inner join
            spans
            on spans.property_key = events.property_key
            and spans.link_key = events.link_key
            and spans.witness <> events.witness
            and case
                when events.event_type = 'present_at_start'
                then spans.start_date is null
                when events.event_type = 'lost'
                then spans.lost_date between events.event_date - 14 and events.event_date + 14
                else spans.start_date between events.event_date - 14 and events.event_date + 14
            end
        where events.event_type in ('present_at_start', 'acquired', 'restored', 'lost')
        group by events.property_key, events.event_key
    ),

    -- What witnesses claimed since the last sight, whatever dates the loss now.
    claims as (
        select events.property_key, events.event_key, min(told.claimed_lost_date) as claimed_date
        from events
        inner join
            {{ ref('int_link__find_spans') }} as told
            on told.property_key = events.property_key
            and told.link_key = events.link_key
            and told.claimed_lost_date >= coalesce(events.earliest_date, '-infinity')
            and told.claimed_lost_date <= events.observed_date
        where events.event_type = 'lost'
        group by events.property_key, events.event_key
    )

select
    events.property_key,
    events.event_key,
    claims.claimed_date,
    case
        when events.loss_basis = 'visit' or met.event_key is not null
        then 'checked'
        when agreed.event_key is not null
        then 'agreed'
        when events.loss_basis = 'vendor_claim'
        then 'claimed'
        when events.loss_basis is null and events.event_date < events.observed_date
        then 'dated'
        else 'inferred'
    end as evidence
from events
left join
    claims on claims.property_key = events.property_key and claims.event_key = events.event_key
left join met on met.property_key = events.property_key and met.event_key = events.event_key
left join
    agreed on agreed.property_key = events.property_key and agreed.event_key = events.event_key
