{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_claimed_links() }}',
        indexes=[{'columns': ['property_key', 'link_key'], 'unique': True}],
    )
}}

with
    sightings as (
        select *
        from {{ ref('int_link__fold_sightings') }} as sighting
        where {{ is_link_claimed('sighting') }}
    )

select distinct
    on (property_key, link_key)
    property_key,
    link_key,
    source_url,
    source_page_key,
    source_domain,
    source_domain_key,
    literal_target_url,
    target_url,
    page_key,
    item_type,
    source_title
from sightings
order by property_key, link_key, day desc, witness
