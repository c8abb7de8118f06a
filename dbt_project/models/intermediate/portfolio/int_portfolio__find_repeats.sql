{%- set usual = 50 -%}
{{ config(materialized='table') }}

with
    looks as ({{ link_looks() }}),

    links as (
        select
            link.property_key,
            link.link_key,
            {{ linking_key('link') }} as publisher_key,
            coalesce(link.source_domain, link.source_url) as publisher,
            {{ plain_anchor('link.anchor') }} as anchor,
            lifespan.first_sight_date
        from {{ ref('dim_link') }} as link
        inner join
            {{ ref('fct_link_lifespan') }} as lifespan
            on lifespan.property_key = link.property_key
            and lifespan.link_key = link.link_key
        where link.state = 'live'
    ),

    repeats as (
        select
            property_key,
            publisher_key,
            anchor,
            min(publisher) as publisher,
            min(first_sight_date) as first_day,
            count(*) as link_count,
            (array_agg(link_key order by link_key))[1:{{ var('flagged_links') }}] as link_keys
        from links
        where anchor <> ''
        group by property_key, publisher_key, anchor
        having count(*) > {{ usual }}
    )

select
    repeats.property_key,
    {{ key64('repeats.publisher_key::text', 'repeats.anchor') }} as subject_key,
    repeats.publisher,
    repeats.anchor,
    repeats.first_day,
    looks.last_day,
    repeats.link_count,
    repeats.link_keys
from repeats
inner join looks on looks.property_key = repeats.property_key
