{%- set claims = {'kinds': ['query_searches', 'searches']} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'is_append_only': true},
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    patterns as (select * from {{ ref('stg_ops__brand_pattern') }}),

    keywords as (select * from {{ ref('stg_ops__tracked_keyword') }}),

    named as (
        select distinct
            on (searched.property_key, searched.query_key)
            searched.property_key,
            searched.query_key,
            searched.query
        from
            {{ ref('fct_search_performance') }}
            as searched {{ join_days('searched', claims=claims) }}
        order by searched.property_key, searched.query_key
    )

select
    named.property_key,
    named.query_key,
    named.query,
    coalesce(keywords.is_brand, false)
    or exists (
        select 1
        from patterns
        where
            patterns.property_key = named.property_key
            and lower(left(named.query, 1000)) ~ patterns.pattern
    ) as is_brand
from named
left join
    keywords
    on keywords.property_key = named.property_key
    and keywords.keyword_key = named.query_key
{% if is_incremental() -%}
    left join
        {{ this }} as known
        on known.property_key = named.property_key
        and known.query_key = named.query_key
    where known.query_key is null
{%- endif %}
