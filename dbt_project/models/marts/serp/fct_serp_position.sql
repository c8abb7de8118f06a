{%- set reach = 28 -%}
{%- set claims = {
    'kinds': ['checks', 'results'], 'whole': ['keywords'], 'days_after': reach, 'follows_pages': true,
} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[
            {'columns': ['property_key', 'keyword_key', 'day']},
            {'columns': ['day'], 'type': 'brin'},
        ],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    spans as (
        select property_key, min(day) - {{ reach }} as first_day, max(day) as last_day
        from claimed
        group by property_key
    ),

    -- What ranked on the days before, oldest first: one sort of all checks, of which those that
    -- are asked for are then kept.
    all_checks as (
        select
            rank_check.*,
            array_agg(rank_check.ranking_page_key) filter (where rank_check.state = 'found') over (
                partition by
                    rank_check.property_key,
                    rank_check.keyword_key,
                    rank_check.engine,
                    rank_check.locale,
                    rank_check.device
                order by
                    rank_check.day
                    range
                    between interval '{{ reach }} days' preceding and interval '1 day' preceding
            ) as earlier_page_keys
        from {{ ref('int_serp__judge_checks') }} as rank_check
        inner join
            spans
            on spans.property_key = rank_check.property_key
            and rank_check.day between spans.first_day and spans.last_day
            {{ within_claims('rank_check.day', claims, margin=reach) }}
    ),

    checks as (select rank_check.* from all_checks as rank_check {{ join_days('rank_check') }}),

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
        -- Where each of the few pages led on the day is asked once, not for each day that it
        -- ranked.
        left join
            lateral(
                select
                    coalesce(
                        (
                            select version.page_key
                            from {{ ref('int_page__version_pages') }} as version
                            where
                                version.property_key = checks.property_key
                                and version.url_key = earlier.url_key
                                and checks.day >= version.valid_from_date
                                and checks.day < version.valid_to_date
                        ),
                        earlier.url_key
                    ) as page_key
                from
                    (
                        select
                            ranked.url_key, count(*) as day_count, max(ranked.day_no) as last_day_no
                        from unnest(checks.earlier_page_keys)
                        with ordinality as ranked(url_key, day_no)
                        where checks.configured_page_key is null
                        group by ranked.url_key
                    ) as earlier
                group by page_key
                order by sum(earlier.day_count) desc, max(earlier.last_day_no) desc, page_key
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
