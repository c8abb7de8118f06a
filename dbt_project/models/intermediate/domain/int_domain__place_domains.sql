{{ config(materialized='table', indexes=[{'columns': ['domain_key', 'day']}]) }}

with
    sizes as (
        select property_key, day, origin, max(rank_position) as domain_count
        from {{ ref('int_domain__read_rank_quantiles') }}
        group by property_key, day, origin
    ),

    -- What the witness does not know has no place.
    ranks as (select * from {{ ref('int_domain__read_ranks') }} where rank_position is not null)

select
    ranks.domain_key,
    ranks.domain,
    ranks.origin as vendor,
    ranks.measure,
    ranks.day,
    ranks.release,
    ranks.value,
    ranks.rank_position,
    sizes.domain_count
from ranks
left join
    sizes
    on sizes.property_key = ranks.property_key
    and sizes.day = ranks.day
    and sizes.origin = ranks.origin
