{%- set reach = 28 -%}
{%- set check = ['property_key', 'day', 'keyword_key', 'engine', 'locale', 'device'] -%}
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

    -- The URLs that ranked before, where no page is configured; a row of NULLs where there is none.
    ranked as (
        select placed.*, earlier.url_key as earlier_url_key, earlier.day_count, earlier.last_day_no
        from placed
        left join
            lateral(
                select url_key, count(*) as day_count, max(day_no) as last_day_no
                from unnest(placed.earlier_page_keys)
                with ordinality as earlier_days(url_key, day_no)
                where placed.configured_page_key is null
                group by url_key
            ) as earlier
            on true
    ),

    -- Where each of them led on the day is asked once, not for each day that it ranked.
    weighed as (
        select
            ranked.*,
            {{ page_as_of('ranked', 'earlier_url_key') }} as earlier_page_key,
            sum(ranked.day_count) over pages as page_day_count,
            max(ranked.last_day_no) over pages as page_last_day_no
        from ranked {{ join_page_version('ranked', 'earlier_url_key', 'ranked.day') }}
        window
            pages as (
                partition by
                    ranked.{{ check | join(', ranked.') }},
                    {{ page_as_of('ranked', 'earlier_url_key') }}
            )
    ),

    joined as (
        select distinct
            on ({{ check | join(', ') }}) *,
            coalesce(configured_page_key, earlier_page_key) as usual_page_key,
            case
                when configured_page_key is not null
                then 'configured'
                when earlier_page_key is not null
                then 'modal'
            end as usual_page_source
        from weighed
        order by
            {{ check | join(', ') }}, page_day_count desc, page_last_day_no desc, earlier_page_key
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
    item_types,
    own_element_types,
    failure,
    observed_at
from joined
