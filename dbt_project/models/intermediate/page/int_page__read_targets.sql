{%- set claims = {'kinds': ['crawls']} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[{'columns': ['property_key', 'day', 'url_key'], 'unique': true}],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    all_crawled as (
        select page.*
        from {{ ref('int_page__read_crawls') }} as page {{ join_days('page', claims=claims) }}
    ),

    -- Where one step alone is told, whether it leads anywhere stands in the target's own row, and
    -- where that redirects again in its own step.
    followed as (
        select
            page.property_key,
            page.day,
            page.page_key as url_key,
            page.url,
            page.status_code,
            page.read_error,
            coalesce(page.final_page_key, page.redirect_page_key) as final_page_key,
            coalesce(page.final_url, page.redirect_url) as final_url,
            coalesce(
                page.final_status_code,
                case
                    when target.status_code between 300 and 399 then 200 else target.status_code
                end
            ) as final_status_code,
            page.canonical_page_key,
            page.canonical_url,
            page.is_export
        from all_crawled as page
        left join
            all_crawled as target
            on target.property_key = page.property_key
            and target.day = page.day
            and target.page_key = page.redirect_page_key
            and target.is_export = page.is_export
    ),

    -- Our own crawl of a day stands before an export's.
    crawled as (
        select distinct on (property_key, day, url_key) *
        from followed
        order by property_key, day, url_key, is_export, url
    ),

    properties as (select property_key, domain from {{ ref('stg_ops__property') }}),

    told as (
        select
            crawled.*,
            {{ is_host_of(url_host('crawled.final_url'), 'properties.domain') }} as is_final_own,
            {{ is_host_of(url_host('crawled.canonical_url'), 'properties.domain') }}
            and coalesce(canonical.status_code, 200) not in (404, 410) as is_canonical_followed
        from crawled
        inner join properties on properties.property_key = crawled.property_key
        left join
            crawled as canonical
            on canonical.property_key = crawled.property_key
            and canonical.day = crawled.day
            and canonical.url_key = crawled.canonical_page_key
    ),

    -- An outage, a refusal, robots.txt: nothing is said, and what was known before stands.
    judged as (
        select
            *,
            case
                when status_code in (404, 410)
                then 'itself'
                -- An instant refresh is a redirect, and what the page says beside it is for nobody.
                when
                    status_code = 200
                    and final_status_code = 200
                    and is_final_own
                    and final_page_key <> url_key
                then 'redirect'
                when status_code = 200 and is_canonical_followed and canonical_page_key <> url_key
                then 'canonical'
                when status_code = 200
                then 'itself'
                when
                    status_code between 300 and 399
                    and final_status_code = 200
                    and is_final_own
                    and final_page_key <> url_key
                then 'redirect'
                when
                    status_code between 300 and 399
                    and (
                        final_status_code in (200, 404, 410)
                        or read_error
                        in ('external_redirect', 'redirect_loop', 'too_many_redirects')
                    )
                then 'itself'
            end as reason
        from told
    )

select
    property_key,
    day,
    url_key,
    url,
    case
        reason
        when 'redirect'
        then final_page_key
        when 'canonical'
        then canonical_page_key
        else url_key
    end as target_key,
    case
        reason when 'redirect' then final_url when 'canonical' then canonical_url else url
    end as target_url,
    reason
from judged
where reason is not null
