{{ config(materialized='table') }}

with
    looks as ({{ link_looks() }}),

    links as (
        select
            link.property_key,
            link.link_key,
            {{ linking_key('link') }} as linking_key,
            types.anchor_type = 'exact' as is_exact
        from {{ ref('dim_link') }} as link
        inner join
            {{ ref('int_link__type_anchors') }} as types
            on types.property_key = link.property_key
            and types.anchor_key = {{ key64(plain_anchor('link.anchor')) }}
        where
            link.state = 'live'
            and link.is_followed
            and link.item_type is distinct from 'image'
            and types.anchor_type <> 'unknown'
    ),

    -- A domain speaks once, with what most of its links say.
    domains as (
        select
            property_key,
            linking_key,
            min(link_key) filter (where is_exact) as link_key,
            2 * count(*) filter (where is_exact) > count(*) as is_exact
        from links
        group by property_key, linking_key
    )

select
    domains.property_key,
    looks.last_day as day,
    count(*) as known_domain_count,
    count(*) filter (where domains.is_exact) as exact_domain_count,
    coalesce(
        (array_agg(domains.link_key order by domains.link_key) filter (where domains.is_exact))[
            1:{{ var('flagged_links') }}
        ],
        '{}'
    ) as link_keys
from domains
inner join looks on looks.property_key = domains.property_key
group by domains.property_key, looks.last_day
