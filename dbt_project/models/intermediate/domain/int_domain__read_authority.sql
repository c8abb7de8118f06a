{%- set claims = {'kinds': ['links']} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[{'columns': ['property_key', 'day']}],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    backlinks as (
        {%- for model, authority, instant in [
            ('stg_dataforseo_backlinks__backlink', 'source_domain_authority', 'observed_at'),
            ('stg_exports__backlink', 'round(backlink.source_domain_authority)::integer', 'exported_at'),
        ] %}
            select
                backlink.property_key,
                backlink.day,
                backlink.vendor,
                backlink.source_domain_key,
                backlink.source_domain,
                {{ authority }} as source_domain_authority,
                backlink.{{ instant }} as observed_at
            from {{ ref(model) }} as backlink {{ join_days('backlink', claims=claims) }}
            where
                backlink.source_domain_key is not null
                and backlink.source_domain_authority is not null
                {{ 'union all' if not loop.last }}
        {%- endfor %}
    )

select distinct
    on (property_key, day, vendor, source_domain_key)
    property_key,
    day,
    vendor,
    source_domain_key as domain_key,
    source_domain as domain,
    source_domain_authority as authority,
    observed_at
from backlinks
order by
    property_key, day, vendor, source_domain_key, observed_at desc, source_domain_authority desc
