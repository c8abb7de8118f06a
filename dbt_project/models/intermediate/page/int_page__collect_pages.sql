{%- set crawls = {'kinds': ['crawls', 'pages', 'page_changes']} -%}
{%- set searches = {'kinds': ['searches', 'page_searches', 'query_searches']} -%}
{%- set ranks = {'kinds': ['checks', 'results']} -%}
{%- set links = {'kinds': ['links']} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'is_append_only': true},
        indexes=[{'columns': ['property_key', 'page_key'], 'unique': true}],
    )
}}

with
    crawled_days as ({{ claimed_days(crawls) }}),

    searched_days as ({{ claimed_days(searches) }}),

    ranked_days as ({{ claimed_days(ranks) }}),

    linked_days as ({{ claimed_days(links) }}),

    named as (
        select page.property_key, page.page_key, page.url
        from
            {{ ref('stg_site_crawl__page') }}
            as page {{ join_days('page', 'crawled_days', crawls) }}
        {%- for model in ['crawl_page', 'page', 'page_change'] %}
            union
            select stated.property_key, stated.page_key, stated.url
            from
                {{ ref('stg_exports__' ~ model) }}
                as stated {{ join_days('stated', 'crawled_days', crawls) }}
        {%- endfor %}
        union
        select exported.property_key, exported.page_key, exported.page_url
        from
            {{ ref('stg_exports__performance') }}
            as exported {{ join_days('exported', 'searched_days', searches) }}
        where exported.page_key is not null
        union
        select performance.property_key, performance.page_key, performance.page_url
        from
            {{ ref('stg_search_console__performance') }} as performance
            {{ join_days('performance', 'searched_days', searches) }}
        union
        select total.property_key, total.page_key, total.page_url
        from
            {{ ref('stg_search_console__page_total') }} as total
            {{ join_days('total', 'searched_days', searches) }}
        union
        select rank_check.property_key, rank_check.ranking_page_key, rank_check.ranking_url
        from
            {{ ref('int_serp__judge_checks') }} as rank_check
            {{ join_days('rank_check', 'ranked_days', ranks) }}
        where rank_check.ranking_page_key is not null
        union
        select backlink.property_key, backlink.target_page_key, backlink.target_url
        from
            {{ ref('stg_dataforseo_backlinks__backlink') }} as backlink
            {{ join_days('backlink', 'linked_days', links) }}
        union
        select exported.property_key, exported.target_page_key, exported.target_url
        from
            {{ ref('stg_exports__backlink') }}
            as exported {{ join_days('exported', 'linked_days', links) }}
        where exported.target_page_key is not null
    )

select named.*
from named
{% if is_incremental() -%}
    where
        not exists (
            select 1
            from {{ this }} as known
            where known.property_key = named.property_key and known.page_key = named.page_key
        )
{%- endif %}
