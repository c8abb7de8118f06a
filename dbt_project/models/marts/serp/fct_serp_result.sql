{%- set claims = {'kinds': ['results']} -%}
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
    )

select
    results.property_key,
    results.day,
    results.keyword_key,
    results.engine,
    results.locale,
    results.device,
    results.item_no,
    results.item_type,
    case when results.item_type = 'organic' then results.group_position end as position,
    results.group_position,
    results.absolute_position,
    results.domain,
    results.domain_key,
    results.url,
    results.page_key,
    results.title,
    coalesce({{ is_host_of('results.host', 'properties.domain') }}, false) as is_own
from results
inner join properties on properties.property_key = results.property_key
