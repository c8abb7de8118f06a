{{ config(materialized='table') }}

with
    events as (select * from {{ ref('int_link__place_events') }}),

    -- Whose birth nobody dates has no age; nor has what an index that grew told of on one night.
    births as (
        select
            property_key,
            link_key,
            linking_key,
            witness,
            event_date as birth_date,
            {{ rel_class('rel_set') }} as rel_class,
            greatest(observed_date - event_date, 0) as entry_days
        from events
        where event_type = 'acquired' and not is_index_change
    ),

    -- Between the last sight and the first look without it: half way, after the last sight.
    losses as (
        select distinct
            on (property_key, link_key)
            property_key,
            link_key,
            event_date - (event_date - coalesce(earliest_date, event_date)) / 2 as lost_date
        from events
        where event_type = 'lost'
        order by property_key, link_key, event_date
    ),

    lives as (
        select
            births.*,
            coalesce(losses.lost_date, lifespan.last_sight_date) - births.birth_date as exit_days,
            losses.lost_date is not null as is_lost
        from births
        inner join
            {{ ref('fct_link_lifespan') }} as lifespan
            on lifespan.property_key = births.property_key
            and lifespan.link_key = births.link_key
        left join
            losses
            on losses.property_key = births.property_key
            and losses.link_key = births.link_key
    )

select
    lives.property_key,
    sorts.dimension,
    sorts.class,
    lives.link_key,
    lives.linking_key,
    lives.entry_days,
    lives.exit_days,
    lives.is_lost
from lives
inner join
    {{ ref('int_link__describe_links') }} as links
    on links.property_key = lives.property_key
    and links.link_key = lives.link_key
cross join
    lateral(
        values
            ('all', ''),
            ('item_type', {{ bounded("coalesce(links.item_type, '')", 500) }}),
            ('rel_class', lives.rel_class),
            ('kind', coalesce(links.place, 'unknown') || ' ' || lives.rel_class),
            ('platform', {{ bounded("coalesce(links.source_platform, '')", 500) }}),
            ('witness', lives.witness)
    ) as sorts(dimension, class)
where lives.exit_days > lives.entry_days
