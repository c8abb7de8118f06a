{{ config(materialized='table') }}

with
    -- The reference: places by harmonic centrality, as they were read last.
    readings as (
        select max(day) as day
        from {{ ref('int_domain__place_domains') }}
        where measure = 'harmonic'
    ),

    places as (
        select places.domain_key, places.rank_position, places.domain_count
        from {{ ref('int_domain__place_domains') }} as places
        inner join readings on readings.day = places.day
        where places.measure = 'harmonic'
    )

select
    scored.domain_key,
    scored.domain,
    scored.vendor,
    scales.measure,
    scales.scale_max,
    scored.last_read_date as day,
    scored.authority,
    places.rank_position,
    places.domain_count
from {{ ref('dim_domain_current') }} as scored
inner join
    {{ ref('authority_scales') }} as scales
    on scales.vendor = scored.vendor
    and scales.measure = scored.measure
left join places on places.domain_key = scored.domain_key
