{{ config(materialized='table') }}

with
    events as (
        select *
        from {{ ref('int_link__place_events') }}
        where event_type in ('acquired', 'lost') and nullif(anchor, '') is not null
    ),

    -- One page drops a link and has another with the same words at the same time, as far as the
    -- dates tell: the link was pointed elsewhere. Where more than one would fit, it cannot be
    -- known.
    pairs as (
        select
            acquired.property_key,
            acquired.event_key,
            lost.link_key as previous_link_key,
            count(*) over (partition by acquired.property_key, acquired.link_key) as loss_count,
            count(*) over (
                partition by lost.property_key, lost.link_key, lost.event_date
            ) as gain_count
        from events as acquired
        inner join
            events as lost
            on lost.property_key = acquired.property_key
            and lost.source_page_key = acquired.source_page_key
            and lost.anchor = acquired.anchor
            and lost.link_key <> acquired.link_key
            and lost.witness = acquired.witness
            and coalesce(acquired.earliest_date, acquired.event_date) <= lost.event_date
            and coalesce(lost.earliest_date, lost.event_date) <= acquired.event_date
        where acquired.event_type = 'acquired' and lost.event_type = 'lost'
    )

select property_key, event_key, previous_link_key
from pairs
where loss_count = 1 and gain_count = 1
