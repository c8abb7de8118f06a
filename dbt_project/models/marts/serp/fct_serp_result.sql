{%- set claims = {'kinds': ['results']} -%}
{%- set element = 'property_key, day, keyword_key, engine, locale, device, coalesce(element_no, item_no)' -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[{'columns': ['property_key', 'domain_key', 'day']}],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    properties as (select property_key, domain from {{ ref('stg_ops__property') }}),

    results as (
        select result.*
        from {{ ref('int_serp__read_results') }} as result {{ join_days('result', claims=claims) }}
    ),

    told as (
        select
            results.*,
            coalesce({{ is_host_of('results.host', 'properties.domain') }}, false) as is_own
        from results
        inner join properties on properties.property_key = results.property_key
    )

select
    property_key,
    day,
    keyword_key,
    engine,
    locale,
    device,
    item_no,
    item_type,
    case when item_type = 'organic' then group_position end as position,
    group_position,
    absolute_position,
    domain,
    domain_key,
    url,
    page_key,
    title,
    is_own,
    element_no,
    element_type,
    question,
    case when element_no is null then count(element_no) over links end::integer as link_count,
    case
        when element_no is null then count(element_no) filter (where is_own) over links
    end::integer as own_link_count,
    case when element_no is null then bool_or(is_own) over links end as has_own
from told
window links as (partition by {{ element }})
