{%- set window = 28 -%}
{%- set series = 'property_key, bot, operator, visit_kind' -%}
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

    spans as (
        select property_key, min(day) - {{ window - 1 }} as first_day, max(day) as last_day
        from days
        group by property_key
    ),

    visits as (
        select crawl.*
        from {{ ref('fct_bot_crawl') }} as crawl
        inner join
            spans
            on spans.property_key = crawl.property_key
            and crawl.day between spans.first_day and spans.last_day
        where crawl.verdict = 'verified' {{ within_claims('crawl.day', claims, margin=window) }}
    ),

    day_kinds as (
        select
            {{ series }},
            day,
            sum(hit_count)::bigint as hit_count,
            sum(byte_count)::bigint as byte_count,
            max(hit_count) as most_hit_count,
            (array_agg(url order by hit_count desc, url))[1] as example_url
        from visits
        group by {{ series }}, day
    ),

    kinds as (
        select
            days.property_key,
            days.day as last_day,
            day_kinds.bot,
            day_kinds.operator,
            day_kinds.visit_kind,
            sum(day_kinds.hit_count)::bigint as hit_count,
            sum(day_kinds.byte_count)::bigint as byte_count,
            (
                array_agg(
                    day_kinds.example_url
                    order by day_kinds.most_hit_count desc, day_kinds.example_url
                )
            )[1] as example_url
        from days
        inner join
            day_kinds
            on day_kinds.property_key = days.property_key
            and day_kinds.day between days.day - {{ window - 1 }} and days.day
        group by
            days.property_key, days.day, day_kinds.bot, day_kinds.operator, day_kinds.visit_kind
    ),

    -- A page is in all windows from a visit to {{ window }} days after its last one: it is counted where it
    -- comes and where it goes, however many windows lie between.
    page_days as (select distinct {{ series }}, page_key, day from visits where url_key <> 0),

    neighbours as (
        select *, lag(day) over pages as previous_day, lead(day) over pages as next_day
        from page_days
        window pages as (partition by {{ series }}, page_key order by day)
    ),

    turns as (
        select {{ series }}, day, 1 as step
        from neighbours
        where coalesce(day - previous_day > {{ window }}, true)
        union all
        select {{ series }}, day + {{ window }}, -1
        from neighbours
        where coalesce(next_day - day > {{ window }}, true)
    ),

    counts as (
        select
            {{ series }},
            day as from_day,
            lead(day, 1, date '9999-12-31') over kind_days as to_day,
            sum(sum(step)) over kind_days as page_count
        from turns
        group by {{ series }}, day
        window kind_days as (partition by {{ series }} order by day)
    )

select
    kinds.property_key,
    kinds.last_day as day,
    kinds.bot,
    kinds.operator,
    kinds.visit_kind,
    kinds.hit_count,
    kinds.hit_count / sum(kinds.hit_count) over of_bot as hit_share,
    kinds.byte_count,
    coalesce(kinds.byte_count / nullif(sum(kinds.byte_count) over of_bot, 0), 0) as byte_share,
    coalesce(counts.page_count, 0)::bigint as page_count,
    kinds.example_url
from kinds
left join
    counts
    on counts.property_key = kinds.property_key
    and counts.bot = kinds.bot
    and counts.operator = kinds.operator
    and counts.visit_kind = kinds.visit_kind
    and kinds.last_day >= counts.from_day
    and kinds.last_day < counts.to_day
window of_bot as (partition by kinds.property_key, kinds.last_day, kinds.bot, kinds.operator)
