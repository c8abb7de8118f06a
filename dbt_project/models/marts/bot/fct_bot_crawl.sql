{%- set reach = var('bot_crawl_days') | int -%}
{%- set claims = {'kinds': ['bot_hits', 'crawls'], 'days_after': reach, 'follows_pages': true} -%}
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

    hits as (
        select
            hit.property_key,
            hit.day,
            hit.bot,
            hit.operator,
            hit.verdict,
            coalesce(hit.url_key, 0) as url_key,
            hit.status_code,
            min(hit.url) as url,
            bool_or(hit.is_range_later) as is_range_later,
            sum(hit.hit_count)::bigint as hit_count,
            sum(hit.byte_count)::bigint as byte_count,
            min(hit.first_at) as first_at,
            max(hit.last_at) as last_at,
            sum(hit.duration_us) / nullif(sum(hit.timed_count), 0) / 1000 as mean_duration_ms
        from {{ ref('int_bot__read_hits') }} as hit {{ join_days('hit', claims=claims) }}
        group by
            hit.property_key,
            hit.day,
            hit.bot,
            hit.operator,
            hit.verdict,
            coalesce(hit.url_key, 0),
            hit.status_code
    ),

    crawl_days as (
        select distinct property_key, day
        from {{ ref('stg_ops__publication') }} as publication
        where {{ is_of_kind('publication', ['crawls']) }} and row_count > 0
    ),

    -- The newest crawl of a day, if it is not too old to say what was there.
    last_crawls as (
        select claimed.property_key, claimed.day, max(crawl_days.day) as crawl_day
        from claimed
        inner join
            crawl_days
            on crawl_days.property_key = claimed.property_key
            and crawl_days.day between claimed.day - {{ reach }} and claimed.day
        group by claimed.property_key, claimed.day
    ),

    met as (
        select
            hits.*,
            case
                when last_crawls.crawl_day is not null then crawl.page_key is not null
            end as is_in_crawl,
            case
                when last_crawls.crawl_day is not null then coalesce(crawl.is_in_sitemap, false)
            end as is_in_sitemap,
            crawl.is_robots_allowed,
            crawl.is_noindex,
            crawl.canonical_page_key,
            strpos(hits.url, '?') > 0 as is_parameter,
            {{ url_path('hits.url') }} as path
        from hits
        left join
            last_crawls
            on last_crawls.property_key = hits.property_key
            and last_crawls.day = hits.day
        left join
            {{ ref('fct_page_crawl') }} as crawl
            on crawl.property_key = hits.property_key
            and crawl.page_key = hits.url_key
            and crawl.day = last_crawls.crawl_day
    ),

    placed as (
        select met.*, {{ page_as_of('met', 'url_key') }} as page_key
        from met {{ join_page_version('met', 'url_key', 'met.day') }}
    )

select
    property_key,
    day,
    bot,
    operator,
    verdict,
    page_key,
    url_key,
    status_code,
    url,
    hit_count,
    byte_count,
    first_at,
    last_at,
    mean_duration_ms,
    coalesce(is_parameter, false) as is_parameter,
    is_in_sitemap,
    is_in_crawl,
    is_range_later,
    case
        when status_code >= 500 or url is null
        then 'error'
        when status_code in (404, 410)
        then 'not_found'
        when status_code >= 400
        then 'refused'
        when status_code >= 300 and status_code <> 304
        then 'redirect'
        when not is_robots_allowed
        then 'robots_refused'
        when is_parameter
        then 'parameter'
        when canonical_page_key <> url_key
        then 'non_canonical'
        when is_noindex
        then 'noindex'
        when
            path
            ~* '\.(css|m?js|map|json|png|jpe?g|gif|webp|avif|svg|ico|bmp|woff2?|ttf|otf|eot|mp[34]|webm|ogg|wav|avi|mov|zip|gz)$'
        then 'static'
        when not is_in_crawl and not is_in_sitemap
        then 'orphan'
        else 'good'
    end as visit_kind
from placed
