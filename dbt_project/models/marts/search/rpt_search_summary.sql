{%- set claims = {'kinds': ['searches', 'search_lists']} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    listed as (
        select
            summary.property_key,
            summary.day,
            summary.last_day,
            summary.dimension,
            summary.value,
            summary.clicks,
            summary.impressions,
            summary.position,
            summary.origin,
            summary.observed_at
        from
            {{ ref('int_search__read_lists') }} as summary {{ join_days('summary', claims=claims) }}
        {%- for dimension in ['query', 'country', 'device'] %}
            union all
            select
                exported.property_key,
                exported.day,
                exported.day as last_day,
                '{{ dimension }}',
                exported.{{ dimension }},
                exported.clicks,
                exported.impressions,
                exported.position,
                exported.origin,
                exported.observed_at
            from
                {{ ref('int_search__read_searches') }}
                as exported {{ join_days('exported', claims=claims) }}
            where
                exported.kind = 'searches'
                and exported.{{ dimension }} is not null
                and num_nonnulls(
                    exported.page_key, exported.query, exported.country, exported.device
                )
                = 1
        {%- endfor %}
    )

select distinct
    on (property_key, day, last_day, dimension, value)
    property_key,
    day,
    last_day,
    dimension,
    {{ key64('value') }} as value_key,
    value,
    origin,
    clicks,
    impressions,
    position::double precision as position
from listed
order by property_key, day, last_day, dimension, value, observed_at desc, origin
