{%- set claims = {'kinds': ['checks', 'results']} -%}
{%- set is_partial = execute and is_incremental() and var('build_id') | int != 0 %}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'is_append_only': true},
        indexes=[{'columns': ['property_key', 'series_key'], 'unique': True}],
    )
}}

-- What is checked from day to day, under one short key: totals by day are too many for names.
with
    claimed as ({{ claimed_days(claims) }}),

    checks as (
        select distinct
            rank_check.property_key,
            rank_check.keyword_key,
            rank_check.engine,
            rank_check.locale,
            rank_check.device
        from
            {{ ref('int_serp__judge_checks') }}
            as rank_check {{ join_days('rank_check', claims=claims) }}
    ),

    series as (
        select
            property_key,
            {{ key64('keyword_key::text', 'engine', 'locale', 'device') }} as series_key,
            keyword_key,
            engine,
            locale,
            device
        from checks
    )

select series.*
from series
{% if is_partial -%}
    left join
        {{ this }} as known
        on known.property_key = series.property_key
        and known.series_key = series.series_key
    where known.series_key is null
{%- endif %}
