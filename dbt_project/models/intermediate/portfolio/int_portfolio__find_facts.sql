{%- set named = var('flagged_links') -%}
{#- Each page is visited that often at least. -#}
{%- set visit_days = 190 -%}
{%- set least_domains = 3 -%}
{{ config(materialized='table') }}

with
    looks as ({{ link_looks() }}),

    links as (
        select
            property_key,
            link_key,
            {{ linking_key('link') }} as publisher_key,
            coalesce(source_domain, source_url) as publisher,
            is_followed
        from {{ ref('dim_link') }} as link
        where state = 'live'
    ),

    -- The last visit that met it.
    checks as (
        select distinct
            on (checks.property_key, checks.link_key)
            checks.property_key,
            checks.link_key,
            checks.day,
            checks.is_hidden,
            checks.tag_ids
        from {{ ref('fct_link_check') }} as checks
        inner join looks on looks.property_key = checks.property_key
        where checks.presence = 'present' and checks.day > looks.last_day - {{ visit_days }}
        order by checks.property_key, checks.link_key, checks.day desc
    ),

    met as (
        select checks.*, links.publisher_key, links.publisher
        from checks
        inner join
            links on links.property_key = checks.property_key and links.link_key = checks.link_key
    ),

    hidden as (
        select
            property_key,
            'hidden_link' as flag,
            'publisher' as subject_kind,
            publisher_key as subject_key,
            min(publisher) as publisher,
            null::text as subject,
            min(day) as first_day,
            max(day) as last_day,
            count(*) as counted,
            (array_agg(link_key order by link_key))[1:{{ named }}] as link_keys
        from met
        where is_hidden
        group by property_key, publisher_key
    ),

    owners as (
        select
            met.property_key,
            'shared_owner',
            'tag',
            {{ key64('tags.tag_id') }},
            null::text,
            tags.tag_id,
            min(met.day),
            max(met.day),
            count(distinct met.publisher_key),
            (array_agg(met.link_key order by met.link_key))[1:{{ named }}]
        from met
        cross join lateral unnest(met.tag_ids) as tags(tag_id)
        group by met.property_key, tags.tag_id
        having count(distinct met.publisher_key) >= {{ least_domains }}
    ),

    paid as (
        select
            links.property_key,
            'paid_without_rel',
            'publisher',
            links.publisher_key,
            min(links.publisher),
            null::text,
            min(placements.verified_date),
            min(looks.last_day),
            count(distinct links.link_key),
            (array_agg(distinct links.link_key order by links.link_key))[1:{{ named }}]
        from {{ ref('fct_placement') }} as placements
        inner join
            links
            on links.property_key = placements.property_key
            and links.link_key = placements.link_key
        inner join looks on looks.property_key = placements.property_key
        where placements.is_unqualified_paid and links.is_followed
        group by links.property_key, links.publisher_key
    )

select *
from hidden
union all
select *
from owners
union all
select *
from paid
