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
        {%- for model in ['int_page__read_crawls', 'int_page__read_facts', 'int_page__read_changes'] %}
            select page.property_key, page.page_key, page.url
            from {{ ref(model) }} as page {{ join_days('page', 'crawled_days', crawls) }}
            union
        {%- endfor %}
        select searched.property_key, searched.page_key, searched.page_url
        from
            {{ ref('int_search__read_searches') }}
            as searched {{ join_days('searched', 'searched_days', searches) }}
        where searched.page_key is not null
        union
        select rank_check.property_key, rank_check.ranking_page_key, rank_check.ranking_url
        from
            {{ ref('int_serp__judge_checks') }} as rank_check
            {{ join_days('rank_check', 'ranked_days', ranks) }}
        where rank_check.ranking_page_key is not null
        union
        select backlink.property_key, backlink.target_page_key, backlink.target_url
        from
            {{ ref('int_link__read_backlinks') }}
            as backlink {{ join_days('backlink', 'linked_days', links) }}
        where backlink.target_page_key is not null
    )

select named.*
from named
{% if is_incremental() -%}
    left join
        {{ this }} as known
        on known.property_key = named.property_key
        and known.page_key = named.page_key
    where known.page_key is null
{%- endif %}
