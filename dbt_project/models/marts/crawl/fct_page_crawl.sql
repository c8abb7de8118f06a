{%- set reach = 63 -%}
{%- set claims = {
    'source': 'site_crawl', 'tables': ['page', 'link'], 'exports': ['crawl_page'], 'days_after': reach,
} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
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

    all_pages as (
        select
            page.property_key,
            page.day,
            page.page_key,
            page.url,
            page.status_code,
            page.final_status_code,
            page.final_page_key,
            page.redirect_count,
            page.read_error,
            page.is_robots_allowed,
            page.is_in_sitemap,
            page.canonical_url,
            page.canonical_page_key,
            page.depth,
            page.internal_link_count,
            page.external_link_count,
            page.title,
            page.word_count,
            page.structured_data_types,
            page.hreflangs,
            page.content_type,
            page.byte_count,
            page.response_ms,
            page.content_hash,
            page.meta_robots,
            page.x_robots_tag,
            null::bigint as stated_inlink_count,
            'site_crawl' as origin,
            page.observed_at
        from {{ ref('stg_site_crawl__page') }} as page
        inner join
            spans
            on spans.property_key = page.property_key
            and page.day between spans.first_day and spans.last_day
            {{ within_claims('page.day', claims, margin=reach) }}
        union all
        select
            page.property_key,
            page.day,
            page.page_key,
            page.url,
            page.status_code,
            case when page.status_code not between 300 and 399 then page.status_code end,
            case when page.status_code not between 300 and 399 then page.page_key end,
            null,
            null,
            page.is_robots_allowed,
            null,
            page.canonical_url,
            page.canonical_page_key,
            page.depth,
            page.internal_link_count,
            page.external_link_count,
            page.title,
            page.word_count,
            null,
            null,
            page.content_type,
            page.byte_count,
            page.response_ms,
            page.content_hash,
            page.meta_robots,
            page.x_robots_tag,
            page.inlink_count,
            page.part,
            page.exported_at
        from {{ ref('stg_exports__crawl_page') }} as page
        inner join
            spans
            on spans.property_key = page.property_key
            and page.day between spans.first_day and spans.last_day
            {{ within_claims('page.day', claims, margin=reach) }}
    ),

    -- Our own crawl of a day stands before an export's.
    pages as (
        select distinct on (property_key, day, page_key) *
        from all_pages
        order by property_key, day, page_key, (origin = 'site_crawl') desc
    ),

    published_links as (
        select property_key, day
        from {{ ref('stg_ops__publication') }}
        where source = 'site_crawl' and table_name = 'link'
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
        from {{ ref('stg_site_crawl__link') }} as link {{ join_days('link', claims=claims) }}
        where link.is_internal and link.source_page_key <> link.target_page_key
        group by link.property_key, link.day, link.target_page_key
    ),

    directed as (
        select
            *,
            exists (
                select 1
                from unnest(array_cat(meta_robots, x_robots_tag)) as directive
                where directive ~ '^(googlebot\s*:\s*)?(noindex|none)$'
            ) as is_noindex
        from pages
    ),

    judged as (
        select
            *,
            case
                when not is_robots_allowed
                then 'blocked_by_robots'
                when status_code is null
                then 'unread'
                when status_code between 300 and 399
                then 'redirect'
                when status_code between 400 and 499
                then 'client_error'
                when status_code >= 500
                then 'server_error'
                when status_code <> 200
                then 'other_status'
                when is_noindex
                then 'noindex'
                when canonical_page_key <> page_key
                then 'canonicalised'
                else 'indexable'
            end as indexability,
            status_code = 200 and content_hash is not null as has_content,
            status_code between 300 and 399 or status_code in (404, 410) as is_gone
        from directed
    ),

    -- An outage or an error page says nothing about the content, so content is compared with the
    -- last content there was. What one crawler saw is compared with what the same one saw before.
    answered as (
        select
            property_key,
            day,
            page_key,
            lag(day) over previous as previous_day,
            lag(status_code) over previous as previous_status_code,
            lag(indexability) over previous as previous_indexability,
            lag(is_gone) over previous as was_gone
        from judged
        where status_code is not null
        window previous as (partition by property_key, origin, page_key order by day)
    ),

    contents as (
        select
            property_key,
            day,
            page_key,
            lag(day) over previous as previous_day,
            lag(content_hash) over previous as previous_content_hash,
            lag(title) over previous as previous_title,
            lag(canonical_page_key) over previous as previous_canonical_page_key,
            lag(structured_data_types) over previous as previous_structured_data_types,
            lag(is_noindex) over previous as was_noindex
        from judged
        where has_content
        window previous as (partition by property_key, origin, page_key order by day)
    ),

    recent_answers as (select * from answered where day - previous_day <= {{ reach }}),

    recent_contents as (select * from contents where day - previous_day <= {{ reach }}),

    compared as (
        select
            judged.*,
            recent_answers.previous_day as previous_answer_day,
            recent_contents.previous_day as previous_content_day,
            case
                when recent_answers.previous_day is not null
                then (judged.status_code is distinct from recent_answers.previous_status_code)
            end as is_status_changed,
            case
                when recent_answers.previous_day is not null
                then (judged.indexability is distinct from recent_answers.previous_indexability)
            end as is_indexability_changed,
            case
                -- An export has the hash of the page's bytes: equal is equal, but other bytes may
                -- look the same.
                when
                    recent_contents.previous_day is not null
                    and (
                        judged.origin = 'site_crawl'
                        or judged.content_hash = recent_contents.previous_content_hash
                    )
                then (judged.content_hash is distinct from recent_contents.previous_content_hash)
            end as is_content_changed,
            case
                when recent_contents.previous_day is not null
                then (judged.title is distinct from recent_contents.previous_title)
            end as is_title_changed,
            case
                when recent_contents.previous_day is not null
                then
                    (
                        judged.canonical_page_key
                        is distinct from recent_contents.previous_canonical_page_key
                    )
            end as is_canonical_changed,
            case
                when recent_contents.previous_day is not null and judged.origin = 'site_crawl'
                then
                    (
                        judged.structured_data_types
                        is distinct from recent_contents.previous_structured_data_types
                    )
            end as is_structured_data_changed,
            judged.is_noindex <> recent_contents.was_noindex as is_noindex_changed,
            judged.is_gone <> recent_answers.was_gone as is_presence_changed
        from judged
        inner join
            claimed on claimed.property_key = judged.property_key and claimed.day = judged.day
        left join
            recent_answers
            on recent_answers.property_key = judged.property_key
            and recent_answers.day = judged.day
            and recent_answers.page_key = judged.page_key
        left join
            recent_contents
            on recent_contents.property_key = judged.property_key
            and recent_contents.day = judged.day
            and recent_contents.page_key = judged.page_key
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
        when compared.origin <> 'site_crawl'
        then compared.stated_inlink_count
        when published_links.day is not null
        then coalesce(inlinks.inlink_count, 0)
    end as inlink_count,
    case
        when compared.origin = 'site_crawl' and published_links.day is not null
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
