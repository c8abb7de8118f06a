{%- set claims = {'source': 'dataforseo_serp', 'tables': ['task']} -%}
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
        select distinct task.property_key, task.keyword_key, task.keyword
        from {{ ref('stg_dataforseo_serp__task') }} as task {{ join_days('task', claims=claims) }}
    )

select checked.*
from checked
{% if is_incremental() -%}
    where
        not exists (
            select 1
            from {{ this }} as known
            where
                known.property_key = checked.property_key
                and known.keyword_key = checked.keyword_key
        )
{%- endif %}
