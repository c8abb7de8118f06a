{%- set claims = {'kinds': ['checks', 'keywords']} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'is_append_only': true},
        indexes=[{'columns': ['property_key', 'keyword_key'], 'unique': true}],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    checked as (
        {%- for model in ['int_serp__read_checks', 'int_serp__read_keywords'] %}
            select named.property_key, named.keyword_key, named.keyword
            from
                {{ ref(model) }} as named {{ join_days('named', claims=claims) }}
                {{ 'union' if not loop.last }}
        {%- endfor %}
    )

select checked.*
from checked
{% if is_incremental() -%}
    left join
        {{ this }} as known
        on known.property_key = checked.property_key
        and known.keyword_key = checked.keyword_key
    where known.keyword_key is null
{%- endif %}
