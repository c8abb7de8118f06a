with
    pooled as (select property_key, domain from {{ ref('stg_ops__property') }} where is_pooled),

    told as (
        select domain, 0 as group_no, 0 as link_count
        from pooled
        union all
        select source_domain, 1, 1
        from {{ ref('dim_link') }}
        where source_domain is not null and property_key in (select property_key from pooled)
    ),

    sought as (
        select domain as ask, min(group_no) as group_no, sum(link_count) as link_count
        from told
        group by domain
    )

select
    0 as property_key,
    row_number() over (order by group_no, link_count desc, ask)::integer as place,
    ask,
    link_count::double precision as score,
    case group_no when 0 then 'own' else 'links' end as reason
from sought
