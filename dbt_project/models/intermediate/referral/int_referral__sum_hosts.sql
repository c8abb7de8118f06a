{{ config(materialized='table') }}

with
    visits as (
        select
            *,
            case
                when class in ('link', 'link_host', 'other_site') then 'site' else class
            end as sort,
            {{ key64("coalesce(referrer_host, '')") }} as host_key
        from {{ ref('fct_referral_visit') }}
        where class <> 'own' and visit_count > 0
    )

select
    property_key,
    witness,
    day,
    date_trunc('month', day)::date as month,
    sort as class,
    host_key,
    min(referrer_host) as host,
    sum(visit_count) as visit_count
from visits
group by property_key, witness, day, sort, host_key
