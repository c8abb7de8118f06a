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
        from {{ ref('int_serp__judge_checks') }} as rank_check {{ join_days('rank_check') }}
    ),

    keywords as (
        select property_key, keyword_key, page_key from {{ ref('stg_ops__tracked_keyword') }}
    ),

    sightings as (
        select property_key, day, keyword_key, engine, locale, device, ranking_page_key
        from {{ ref('int_serp__judge_checks') }}
        where
            state = 'found'
            and day >= (select min(claimed.day) - 28 from claimed)
            and day < (select max(claimed.day) from claimed)
    ),

    counted as (
        select
            checks.property_key,
            checks.day,
            checks.keyword_key,
            checks.engine,
            checks.locale,
            checks.device,
            sightings.ranking_page_key,
            count(*) as day_count,
            max(sightings.day) as last_day
        from checks
        inner join
            sightings
            on sightings.property_key = checks.property_key
            and sightings.keyword_key = checks.keyword_key
            and sightings.engine = checks.engine
            and sightings.locale = checks.locale
            and sightings.device = checks.device
            and sightings.day between checks.day - 28 and checks.day - 1
        group by
            checks.property_key,
            checks.day,
            checks.keyword_key,
            checks.engine,
            checks.locale,
            checks.device,
            sightings.ranking_page_key
    ),

    modal as (
        select distinct on (property_key, day, keyword_key, engine, locale, device) *
        from counted
        order by
            property_key,
            day,
            keyword_key,
            engine,
            locale,
            device,
            day_count desc,
            last_day desc,
            ranking_page_key
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
        left join
            modal
            on modal.property_key = checks.property_key
            and modal.day = checks.day
            and modal.keyword_key = checks.keyword_key
            and modal.engine = checks.engine
            and modal.locale = checks.locale
            and modal.device = checks.device
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
