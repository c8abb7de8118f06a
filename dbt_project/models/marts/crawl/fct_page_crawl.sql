{#- Not merged: the planner takes the crawls for one row, and would merge them with their links by day alone. -#}
{%- set reach = var('crawl_reach_days') | int -%}
{%- set claims = {'kinds': ['crawls', 'crawl_links'], 'days_after': reach} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        pre_hook='set local enable_mergejoin = off',
        indexes=[{'columns': ['property_key', 'page_key', 'day']}],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    spans as (
        select property_key, min(day) - {{ reach }} as first_day, max(day) as last_day
        from claimed
        group by property_key
    ),

    -- Our own crawl of a day stands before an export's.
    pages as (
        select distinct on (page.property_key, page.day, page.page_key) page.*
        from {{ ref('int_page__judge_crawls') }} as page
        inner join
            spans
            on spans.property_key = page.property_key
            and page.day between spans.first_day and spans.last_day
            {{ within_claims('page.day', claims, margin=reach) }}
        order by page.property_key, page.day, page.page_key, page.is_export, page.origin
    ),

    published_links as (
        select property_key, day
        from {{ ref('stg_ops__publication') }} as publication
        where {{ is_of_kind('publication', ['crawl_links']) }}
    ),

    inlinks as (
        select
            link.property_key,
            link.day,
            link.target_page_key as page_key,
            count(distinct link.source_page_key) as inlink_count,
            count(distinct link.source_page_key) filter (
                where not link.rel && array['nofollow', 'ugc', 'sponsored']
            ) as followed_inlink_count
        from {{ ref('int_page__read_crawl_links') }} as link {{ join_days('link', claims=claims) }}
        where link.is_internal and link.source_page_key <> link.target_page_key
        group by link.property_key, link.day, link.target_page_key
    ),

    -- An outage or an error page says nothing about the content, so content is compared with the
    -- last content there was. What one crawler saw is compared with what the same one saw before.
    -- Each row looks back among those of its kind: a join of the crawls with themselves is planned
    -- as if each had one row, and becomes quadratic.
    preceded as (
        select
            *,
            case
                when status_code is not null and day - lag(day) over answers <= {{ reach }}
                then lag(day) over answers
            end as previous_answer_day,
            lag(status_code) over answers as last_status_code,
            lag(indexability) over answers as last_indexability,
            lag(is_gone) over answers as was_last_gone,
            case
                when has_content and day - lag(day) over contents <= {{ reach }}
                then lag(day) over contents
            end as previous_content_day,
            lag(content_hash) over contents as last_content_hash,
            lag(title) over contents as last_title,
            lag(canonical_page_key) over contents as last_canonical_page_key,
            lag(structured_data_types) over contents as last_structured_data_types,
            lag(is_noindex) over contents as was_last_noindex
        from pages
        window
            answers as (
                partition by property_key, origin, page_key, status_code is not null order by day
            ),
            contents as (
                partition by property_key, origin, page_key, has_content is true order by day
            )
    ),

    compared as (
        select
            preceded.*,
            case
                when previous_answer_day is not null
                then (status_code is distinct from last_status_code)
            end as is_status_changed,
            case
                when previous_answer_day is not null
                then (indexability is distinct from last_indexability)
            end as is_indexability_changed,
            case
                -- An export has the hash of the page's bytes: equal is equal, but other bytes may
                -- look the same.
                when
                    previous_content_day is not null
                    and (not is_export or content_hash = last_content_hash)
                then (content_hash is distinct from last_content_hash)
            end as is_content_changed,
            case
                when previous_content_day is not null then (title is distinct from last_title)
            end as is_title_changed,
            case
                when previous_content_day is not null
                then (canonical_page_key is distinct from last_canonical_page_key)
            end as is_canonical_changed,
            case
                when previous_content_day is not null and not is_export
                then (structured_data_types is distinct from last_structured_data_types)
            end as is_structured_data_changed,
            case
                when previous_content_day is not null then is_noindex <> was_last_noindex
            end as is_noindex_changed,
            case
                when previous_answer_day is not null then is_gone <> was_last_gone
            end as is_presence_changed
        from preceded
        inner join
            claimed on claimed.property_key = preceded.property_key and claimed.day = preceded.day
    )

select
    compared.property_key,
    compared.day,
    compared.page_key,
    compared.url,
    compared.origin,
    compared.status_code,
    compared.final_status_code,
    compared.final_page_key,
    compared.redirect_count,
    compared.read_error,
    compared.indexability,
    compared.indexability = 'indexable' as is_indexable,
    compared.is_noindex,
    compared.is_robots_allowed,
    compared.is_in_sitemap,
    compared.canonical_url,
    compared.canonical_page_key,
    compared.depth,
    case
        when compared.is_export
        then compared.inlink_count
        when published_links.day is not null
        then coalesce(inlinks.inlink_count, 0)
    end as inlink_count,
    case
        when not compared.is_export and published_links.day is not null
        then coalesce(inlinks.followed_inlink_count, 0)
    end as followed_inlink_count,
    compared.internal_link_count,
    compared.external_link_count,
    compared.title,
    compared.word_count,
    compared.structured_data_types,
    jsonb_array_length(compared.hreflangs) as hreflang_count,
    compared.content_type,
    compared.byte_count,
    compared.response_ms,
    compared.content_hash,
    compared.previous_answer_day,
    compared.previous_content_day,
    compared.is_status_changed,
    compared.is_indexability_changed,
    compared.is_content_changed,
    compared.is_title_changed,
    compared.is_canonical_changed,
    compared.is_structured_data_changed,
    case
        when
            compared.is_content_changed
            or compared.is_title_changed
            or compared.is_canonical_changed
            or compared.is_structured_data_changed
            or compared.is_noindex_changed
            or compared.is_presence_changed
        then true
        when compared.is_content_changed is not null
        then false
    end as is_onpage_changed,
    compared.observed_at
from compared
left join
    published_links
    on published_links.property_key = compared.property_key
    and published_links.day = compared.day
left join
    inlinks
    on inlinks.property_key = compared.property_key
    and inlinks.day = compared.day
    and inlinks.page_key = compared.page_key
