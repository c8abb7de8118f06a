{%- set reach = 28 -%}
{%- set series_parts = ['property_key', 'keyword_key', 'engine', 'locale', 'device'] -%}
{%- set series = series_parts | join(', ') -%}
{%- set check = series ~ ', day' -%}
{%- set claims = {
    'kinds': ['checks', 'results'], 'whole': ['keywords'], 'days_after': reach, 'follows_pages': true,
} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        pre_hook='set local enable_mergejoin = off; set local enable_nestloop = off',
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

    checks as (
        select rank_check.*
        from
            {{ ref('int_serp__judge_checks') }}
            as rank_check {{ join_days('rank_check', claims=claims) }}
    ),

    keywords as (
        select property_key, keyword_key, page_key
        from {{ ref('int_serp__state_keywords') }}
        where page_key is not null
    ),

    -- Where nobody states the keyword's page, what ranked within the reach of each day.
    told as (
        select {{ check }}, ranking_page_key as url_key, state = 'found' as is_found
        from {{ ref('int_serp__judge_checks') }} as rank_check
        inner join spans using (property_key)
        left join keywords using (property_key, keyword_key)
        where
            rank_check.day between spans.first_day and spans.last_day and keywords.page_key is null
            {{ within_claims('rank_check.day', claims, margin=reach) }}
    ),

    -- The days before which a URL ranked. Nearly always it is one alone, and no day is sorted.
    stays as (
        select
            {{ series }},
            url_key,
            unnest(range_agg(daterange(day + 1, day + {{ reach + 1 }}))) as days
        from told
        where is_found
        group by {{ series }}, url_key
    ),

    turns as (
        select {{ series }}, lower(days) as day, 1 as step, url_key
        from stays
        union all
        select {{ series }}, upper(days) as day, -1 as step, url_key
        from stays
    ),

    -- Between turns the same URLs ranked before; where it is one, the sum of their keys is its key.
    pieces as (
        select
            {{ series }},
            day as first_day,
            lead(day) over days - 1 as last_day,
            sum(sum(step)) over days as url_count,
            sum(sum(step * url_key::numeric)) over days as url_key
        from turns
        group by {{ check }}
        window days as (partition by {{ series }} order by day)
    ),

    alone as (
        select {{ series }}, first_day, last_day, nullif(url_key, 0)::bigint as url_key
        from pieces
        where url_count = 1
    ),

    contested as (select {{ series }}, first_day, last_day from pieces where url_count > 1),

    -- Where it is several, each of the days before, oldest first.
    contested_checks as (
        select
            {{ check }},
            array_agg(url_key) filter (where is_found) over (
                partition by {{ series }}
                order by
                    day
                    range
                    between interval '{{ reach }} days' preceding and interval '1 day' preceding
            ) as url_keys
        from told
        where ({{ series }}) in (select {{ series }} from contested)
    ),

    ranked as (
        select contested_checks.*, earlier.url_key, earlier.day_count, earlier.last_day_no
        from contested_checks
        inner join contested using ({{ series }})
        cross join
            lateral(
                select url_key, count(*) as day_count, max(day_no) as last_day_no
                from unnest(contested_checks.url_keys)
                with ordinality as earlier_days(url_key, day_no)
                group by url_key
            ) as earlier
        where contested_checks.day between contested.first_day and contested.last_day
    ),

    -- Where each of them led on the day is asked once, not for each day that it ranked.
    weighed as (
        select ranked.*, {{ page_as_of('ranked', 'url_key') }} as page_key
        from ranked {{ join_page_version('ranked', 'url_key', 'ranked.day') }}
    ),

    heaviest as (
        select distinct on ({{ check }}) {{ check }}, page_key
        from weighed
        group by {{ check }}, page_key
        order by {{ check }}, sum(day_count) desc, max(last_day_no) desc, page_key
    ),

    joined as (
        select
            checks.*,
            {{ page_as_of('checks', 'ranking_page_key', 'ranking_version') }} as led_to_page_key,
            {{ page_as_of('keywords', 'page_key', 'keyword_version') }} as configured_page_key,
            coalesce(
                {{ page_as_of('alone', 'url_key', 'alone_version') }}, heaviest.page_key
            ) as earlier_page_key
        from checks
        left join
            keywords
            on keywords.property_key = checks.property_key
            and keywords.keyword_key = checks.keyword_key
        left join
            alone
            on {{ is_same('alone', 'checks', series_parts) }}
            and checks.day between alone.first_day and alone.last_day
        left join
            heaviest
            on {{ is_same('heaviest', 'checks', series_parts) }}
            and heaviest.day = checks.day
            {{ join_page_version('checks', 'ranking_page_key', 'checks.day', 'ranking_version') }}
            {{ join_page_version('keywords', 'page_key', 'checks.day', 'keyword_version') }}
            {{ join_page_version('alone', 'url_key', 'checks.day', 'alone_version') }}
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
    coalesce(configured_page_key, earlier_page_key) as usual_page_key,
    case
        when configured_page_key is not null
        then 'configured'
        when earlier_page_key is not null
        then 'modal'
    end as usual_page_source,
    led_to_page_key <> coalesce(configured_page_key, earlier_page_key) as is_url_switched,
    item_types,
    own_element_types,
    failure,
    observed_at
from joined
order by property_key, day
