{{ config(materialized='table') }}

with
    places as ({{ newest_places() }}),

    paid as (
        select distinct property_key, link_key
        from {{ ref('fct_placement') }}
        where is_paid and match_grade in ('exact', 'same_page')
    )

select
    links.property_key,
    links.link_key,
    (1 + 9 * coalesce({{ rank_percentile('places.rank_position', 'places.domain_count') }}, 0.5))
    * case when paid.link_key is null then 1 else 2 end as weight
from {{ ref('dim_link') }} as links
left join places on places.domain_key = links.source_domain_key
left join paid on paid.property_key = links.property_key and paid.link_key = links.link_key
