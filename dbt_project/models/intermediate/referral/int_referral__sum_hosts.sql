{%- set claims = {'kinds': ['visits', 'landings'], 'follows_pages': true, 'follows_lives': true} -%}
{{ config(materialized='incremental', incremental_strategy='append', meta={'claims': claims}) }}

with
    claimed as ({{ claimed_days(claims) }}),

    visits as (
        select
            visit.property_key,
            visit.witness,
            visit.day,
            case
                when visit.class in ('link', 'link_host', 'other_site') then 'site' else visit.class
            end as class,
            visit.referrer_host,
            visit.visit_count
        from {{ ref('fct_referral_visit') }} as visit {{ join_days('visit', claims=claims) }}
        where visit.class <> 'own' and visit.visit_count > 0
    )

select
    property_key,
    witness,
    day,
    date_trunc('month', day)::date as month,
    class,
    {{ key64("coalesce(referrer_host, '')") }} as host_key,
    referrer_host as host,
    sum(visit_count) as visit_count
from visits
group by property_key, witness, day, class, referrer_host
