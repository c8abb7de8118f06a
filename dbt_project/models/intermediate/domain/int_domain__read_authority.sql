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
        select backlink.*
        from
            {{ ref('int_link__read_backlinks') }}
            as backlink {{ join_days('backlink', claims=claims) }}
        where
            backlink.source_domain_key is not null and backlink.source_domain_authority is not null
    )

select distinct
    on (property_key, day, witness, source_domain_key)
    property_key,
    day,
    witness as vendor,
    source_domain_key as domain_key,
    source_domain as domain,
    source_domain_authority as authority,
    observed_at
from backlinks
order by
    property_key, day, witness, source_domain_key, observed_at desc, source_domain_authority desc
