{%- set claims = {
    'kinds': ['index_looks', 'searches', 'page_searches', 'checks', 'results'], 'follows_pages': true,
} -%}
{%- set told = {
    'verdict': 'text', 'stated_reason': 'text', 'indexing_state': 'text', 'robots_txt_state': 'text',
    'page_fetch_state': 'text', 'crawled_as': 'text', 'last_crawled_at': 'timestamptz', 'canonical_url': 'text',
    'canonical_url_key': 'bigint', 'declared_canonical_url': 'text', 'declared_canonical_url_key': 'bigint',
    'sitemap_urls': 'text[]', 'referring_urls': 'text[]', 'inspection_url': 'text', 'refusal': 'text',
} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[
            {'columns': ['property_key', 'page_key', 'day']},
            {'columns': ['day'], 'type': 'brin'},
        ],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    reasons as (select * from {{ ref('index_reasons') }}),

    inspections as (
        select look.*
        from {{ ref('int_index__read_looks') }} as look {{ join_days('look', claims=claims) }}
    ),

    impressions as (
        select
            searched.property_key,
            searched.day,
            searched.page_key as url_key,
            max(searched.page_url) as url,
            (array_agg(searched.origin order by searched.is_export, searched.origin))[1] as origin,
            max(searched.observed_at) as observed_at
        from
            {{ ref('int_search__read_searches') }}
            as searched {{ join_days('searched', claims=claims) }}
        where
            searched.kind <> 'query_searches'
            and searched.impressions > 0
            and searched.page_key is not null
        group by searched.property_key, searched.day, searched.page_key
    ),

    finds as (
        select
            rank_check.property_key,
            rank_check.day,
            rank_check.ranking_page_key as url_key,
            rank_check.engine,
            max(rank_check.ranking_url) as url,
            min(rank_check.origin) as origin,
            max(rank_check.observed_at) as observed_at
        from
            {{ ref('int_serp__judge_checks') }}
            as rank_check {{ join_days('rank_check', claims=claims) }}
        where rank_check.state = 'found' and rank_check.ranking_page_key is not null
        group by
            rank_check.property_key, rank_check.day, rank_check.ranking_page_key, rank_check.engine
    ),

    looks as (
        select
            property_key,
            day,
            url_key,
            engine,
            'inspection' as witness,
            origin,
            url,
            stated_state,
            {{ told | join(', ') }},
            observed_at
        from inspections
        {%- for proofs, engine, witness in [
            ('impressions', search_engine(), 'impression'), ('finds', 'engine', 'rank_check'),
        ] %}
            union all
            select
                property_key,
                day,
                url_key,
                {{ engine }} as engine,
                '{{ witness }}' as witness,
                origin,
                url,
                'indexed' as stated_state,
                {%- for column, type in told.items() %}
                    null::{{ type }} as {{ column }},
                {%- endfor %}
                observed_at
            from {{ proofs }}
        {%- endfor %}
    ),

    explained as (
        select
            looks.*,
            case
                when looks.stated_reason is not null then coalesce(reasons.reason, 'other')
            end as reason,
            {{ page_as_of('looks', 'url_key') }} as page_key
        from looks
        left join
            reasons
            on reasons.engine = looks.engine
            and reasons.stated_reason = lower(looks.stated_reason)
            {{ join_page_version('looks', 'url_key', 'looks.day') }}
    )

select
    property_key,
    day,
    url_key,
    engine,
    witness,
    origin,
    url,
    page_key,
    case when reason = 'unknown' then 'unknown_to_engine' else stated_state end as state,
    reason,
    {{ told | join(', ') }},
    observed_at
from explained
