{{ config(materialized='table', indexes=[{'columns': ['property_key', 'link_key'], 'unique': True}]) }}

with
    links as (select * from {{ ref('int_link__describe_links') }}),

    spans as (
        select distinct on (property_key, link_key) *
        from {{ ref('int_link__find_spans') }}
        order by
            property_key, link_key, coalesce(last_live_day, begin_day) desc, witness, span_no desc
    ),

    lifespans as (select * from {{ ref('fct_link_lifespan') }})

select
    links.property_key,
    links.link_key,
    links.source_url,
    links.source_page_key,
    links.source_domain,
    links.source_domain_key,
    links.source_title,
    links.literal_target_url,
    links.target_url,
    links.page_key,
    links.item_type,
    string_to_array(spans.last_rel_set, ' ') as rel,
    spans.last_rel_set = '' as is_followed,
    spans.last_anchor as anchor,
    spans.last_authority as authority,
    lifespans.state
from links
inner join spans on spans.property_key = links.property_key and spans.link_key = links.link_key
inner join
    lifespans on lifespans.property_key = links.property_key and lifespans.link_key = links.link_key
