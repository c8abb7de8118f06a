{%- set window = 28 -%}
{%- set claims = {
    'kinds': ['bot_hits', 'crawls'], 'days_after': window - 1 + var('bot_crawl_days') | int, 'follows_pages': true,
} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    -- A window ends on a day of visits: a claim reaches beyond the last of them.
    days as (
        select distinct claimed.property_key, claimed.day
        from claimed
        inner join
            {{ ref('stg_ops__publication') }} as publication
            on publication.property_key = claimed.property_key
            and publication.day = claimed.day
        where {{ is_of_kind('publication', ['bot_hits']) }} and publication.row_count > 0
    ),

    visits as (
        select days.day as last_day, crawl.*
        from {{ ref('fct_bot_crawl') }} as crawl
        inner join
            days
            on days.property_key = crawl.property_key
            and crawl.day between days.day - {{ window - 1 }} and days.day
        where crawl.verdict = 'verified' {{ within_claims('crawl.day', claims, margin=window) }}
    ),

    by_url as (
        select
            property_key,
            last_day,
            bot,
            operator,
            visit_kind,
            url_key,
            min(page_key) as page_key,
            min(url) as url,
            sum(hit_count)::bigint as hit_count,
            sum(byte_count)::bigint as byte_count
        from visits
        group by property_key, last_day, bot, operator, visit_kind, url_key
    ),

    kinds as (
        select
            property_key,
            last_day,
            bot,
            operator,
            visit_kind,
            sum(hit_count)::bigint as hit_count,
            sum(byte_count)::bigint as byte_count,
            count(distinct page_key) filter (where url_key <> 0) as page_count,
            (array_agg(url order by hit_count desc, url))[1] as example_url
        from by_url
        group by property_key, last_day, bot, operator, visit_kind
    )

select
    property_key,
    last_day as day,
    bot,
    operator,
    visit_kind,
    hit_count,
    hit_count / sum(hit_count) over of_bot as hit_share,
    byte_count,
    coalesce(byte_count / nullif(sum(byte_count) over of_bot, 0), 0) as byte_share,
    page_count,
    example_url
from kinds
window of_bot as (partition by property_key, last_day, bot, operator)
