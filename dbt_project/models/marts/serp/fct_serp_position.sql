{%- set claims = {
    'source': 'dataforseo_serp', 'tables': ['task', 'result'], 'exports': ['ranking'], 'whole': ['keyword'],
    'days_after': 28, 'follows_pages': true,
} -%}
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
        select property_key, keyword_key, page_key from {{ ref('int_serp__state_keywords') }}
    ),

    placed as (
        select
            checks.*,
            {{ page_as_of('checks', 'ranking_page_key', 'ranking_version') }} as led_to_page_key,
            {{ page_as_of('keywords', 'page_key', 'keyword_version') }} as configured_page_key
        from checks
        left join
            keywords
            on keywords.property_key = checks.property_key
            and keywords.keyword_key = checks.keyword_key
            {{ join_page_version('checks', 'ranking_page_key', 'checks.day', 'ranking_version') }}
            {{ join_page_version('keywords', 'page_key', 'checks.day', 'keyword_version') }}
    ),

    joined as (
        select
            checks.*,
            coalesce(checks.configured_page_key, modal.page_key) as usual_page_key,
            case
                when checks.configured_page_key is not null
                then 'configured'
                when modal.page_key is not null
                then 'modal'
            end as usual_page_source
        from placed as checks
        -- Through the index, check by check: a join of the checks with 28 days of themselves is
        -- planned as if it kept one row.
        left join
            lateral(
                select distinct
                    on (sighting.property_key)
                    coalesce(
                        (
                            select version.page_key
                            from {{ ref('int_page__version_pages') }} as version
                            where
                                version.property_key = sighting.property_key
                                and version.url_key = sighting.ranking_page_key
                                and checks.day >= version.valid_from_date
                                and checks.day < version.valid_to_date
                        ),
                        sighting.ranking_page_key
                    ) as page_key
                from {{ ref('int_serp__judge_checks') }} as sighting
                where
                    checks.configured_page_key is null
                    and sighting.property_key = checks.property_key
                    and sighting.keyword_key = checks.keyword_key
                    and sighting.engine = checks.engine
                    and sighting.locale = checks.locale
                    and sighting.device = checks.device
                    and sighting.day between checks.day - 28 and checks.day - 1
                    and sighting.state = 'found'
                group by sighting.property_key, page_key
                order by sighting.property_key, count(*) desc, max(sighting.day) desc, page_key
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
    origin,
    state,
    depth,
    position,
    absolute_position,
    ranking_url,
    led_to_page_key as ranking_page_key,
    usual_page_key,
    usual_page_source,
    led_to_page_key <> usual_page_key as is_url_switched,
    failure,
    observed_at
from joined
