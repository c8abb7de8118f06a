{%- set grades = ['exact', 'exact_page', 'sole', 'ambiguous', 'host_only', 'no_landing', 'no_known_link'] -%}

select
    property_key,
    witness,
    date_trunc('month', day)::date as month,
    class,
    {{ key64("coalesce(referrer_host, '')") }} as host_key,
    referrer_host as host,
    min(site) as site,
    count(distinct day)::integer as day_count,
    count(distinct link_key)::integer as link_count,
    sum(visit_count)::bigint as visit_count,
    {%- for grade in grades %}
        coalesce(sum(visit_count) filter (where grade = '{{ grade }}'), 0)::bigint
        as {{ grade }}_count{{ ',' if not loop.last }}
    {%- endfor %}
from {{ ref('fct_referral_visit') }}
group by property_key, witness, date_trunc('month', day)::date, class, referrer_host
