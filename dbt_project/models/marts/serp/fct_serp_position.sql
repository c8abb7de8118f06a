{%- set claims = {'source': 'dataforseo_serp', 'tables': ['task', 'result'], 'days_after': 28} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[{'columns': ['property_key', 'keyword_key', 'day']}],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    checks as (
        select rank_check.*
        from
            {{ ref('int_serp__judge_checks') }}
            as rank_check {{ join_days('rank_check', claims=claims) }}
    ),

    keywords as (
        select property_key, keyword_key, page_key from {{ ref('stg_ops__tracked_keyword') }}
    ),

    joined as (
        select
            checks.*,
            coalesce(keywords.page_key, modal.ranking_page_key) as usual_page_key,
            case
                when keywords.page_key is not null
                then 'configured'
                when modal.ranking_page_key is not null
                then 'modal'
            end as usual_page_source
        from checks
        left join
            keywords
            on keywords.property_key = checks.property_key
            and keywords.keyword_key = checks.keyword_key
        -- Through the index, check by check: a join of the checks with 28 days of themselves is
        -- planned as if it kept one row.
        left join
            lateral(
                select sighting.ranking_page_key
                from {{ ref('int_serp__judge_checks') }} as sighting
                where
                    sighting.property_key = checks.property_key
                    and sighting.keyword_key = checks.keyword_key
                    and sighting.engine = checks.engine
                    and sighting.locale = checks.locale
                    and sighting.device = checks.device
                    and sighting.day between checks.day - 28 and checks.day - 1
                    and sighting.state = 'found'
                group by sighting.ranking_page_key
                order by count(*) desc, max(sighting.day) desc, sighting.ranking_page_key
                limit 1
            ) as modal
            on true
    )

select
    property_key,
    day,
    keyword_key,
    engine,
    locale,
    device,
    location_code,
    language_code,
    state,
    depth,
    position,
    absolute_position,
    ranking_url,
    ranking_page_key,
    usual_page_key,
    usual_page_source,
    ranking_page_key <> usual_page_key as is_url_switched,
    failure,
    observed_at
from joined
