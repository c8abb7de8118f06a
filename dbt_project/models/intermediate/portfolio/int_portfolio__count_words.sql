{{ config(materialized='table') }}

with
    looks as ({{ link_looks() }}),

    links as (
        select
            property_key,
            link_key,
            {{ linking_key('link') }} as linking_key,
            {{ key64(plain_anchor('anchor')) }} as anchor_key
        from {{ ref('dim_link') }} as link
        where
            state = 'live'
            and is_followed
            and item_type is distinct from 'image'
            and {{ plain_anchor('anchor') }} <> ''
    ),

    exact as (
        select property_key, anchor_key from {{ ref('rpt_anchor') }} where anchor_type = 'exact'
    ),

    -- A domain speaks once, with what most of its links say.
    domains as (
        select
            links.property_key,
            links.linking_key,
            min(links.link_key) filter (where exact.anchor_key is not null) as link_key,
            2 * count(exact.anchor_key) > count(*) as is_exact
        from links
        left join
            exact on exact.property_key = links.property_key and exact.anchor_key = links.anchor_key
        group by links.property_key, links.linking_key
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
