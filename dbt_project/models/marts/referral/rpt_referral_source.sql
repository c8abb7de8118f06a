{%- set claims = {'kinds': ['visits', 'landings'], 'follows_pages': true, 'follows_lives': true} -%}
{%- set grades = ['exact', 'exact_page', 'sole', 'ambiguous', 'host_only', 'no_landing', 'no_known_link'] -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_claimed_months(' ~ claims ~ ') }}',
    )
}}

{%- set is_partial = execute and is_incremental() and var('build_id') | int != 0 %}

with
    months as ({{ claimed_months(claims) }}),

    visits as (
        select *, date_trunc('month', day)::date as month
        from {{ ref('fct_referral_visit') }}
        {% if is_partial -%}
            where day >= date_trunc('month', date '{{ first_day_of(claimed_days(claims)) }}')::date
        {%- endif %}
    )

select
    visits.property_key,
    visits.witness,
    visits.month,
    visits.class,
    {{ key64("coalesce(visits.referrer_host, '')") }} as host_key,
    visits.referrer_host as host,
    min(visits.site) as site,
    count(distinct visits.day)::integer as day_count,
    count(distinct visits.link_key)::integer as link_count,
    sum(visits.visit_count)::bigint as visit_count,
    {%- for grade in grades %}
        coalesce(sum(visits.visit_count) filter (where visits.grade = '{{ grade }}'), 0)::bigint
        as {{ grade }}_count{{ ',' if not loop.last }}
    {%- endfor %}
from visits
inner join months on months.property_key = visits.property_key and months.month = visits.month
group by visits.property_key, visits.witness, visits.month, visits.class, visits.referrer_host
