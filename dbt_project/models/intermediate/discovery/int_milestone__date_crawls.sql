{{ config(materialized='table') }}

with
    crawls as (
        select property_key, {{ origin_of('publication') }} as origin, day
        from {{ source('ops', 'publication') }} as publication
        where
            is_current
            and (facts ->> 'is_complete')::boolean
            and {{ is_of_kind('publication', ['crawls']) }}
    ),

    sights as (
        select
            property_key,
            page_key,
            origin,
            day,
            status_code = 200 as is_there,
            is_in_sitemap,
            inlink_count > 0 as is_linked,
            indexability in ('redirect', 'noindex') or status_code in (404, 410) as is_gone
        from {{ ref('fct_page_crawl') }}
    ),

    pages as (
        select
            property_key,
            page_key,
            origin,
            min(day) filter (where is_there) as published_day,
            min(day) filter (where is_in_sitemap) as in_sitemap_day,
            min(day) filter (where is_linked) as linked_internal_day
        from sights
        group by property_key, page_key, origin
    ),

    begun as (
        select
            pages.property_key,
            pages.page_key,
            pages.origin,
            began.milestone,
            began.by_date,
            began.witness
        from pages
        cross join
            lateral(
                values
                    ('published', pages.published_day, 'crawl'),
                    ('published', pages.in_sitemap_day, 'sitemap'),
                    ('in_sitemap', pages.in_sitemap_day, 'sitemap'),
                    ('linked_internal', pages.linked_internal_day, 'crawl')
            ) as began(milestone, by_date, witness)
        where began.by_date is not null
    ),

    -- The last whole crawl before says that it was not there: whole ones meet every page that is
    -- linked or named by a sitemap.
    dated as (
        select
            begun.property_key,
            begun.page_key,
            begun.milestone,
            begun.by_date,
            begun.witness,
            max(crawls.day) as after_date
        from begun
        left join
            crawls
            on crawls.property_key = begun.property_key
            and crawls.origin = begun.origin
            and crawls.day < begun.by_date
        group by
            begun.property_key,
            begun.page_key,
            begun.origin,
            begun.milestone,
            begun.by_date,
            begun.witness
    ),

    ended as (
        select
            sights.property_key,
            sights.page_key,
            sights.origin,
            min(sights.day) filter (
                where sights.is_gone and sights.day > pages.published_day
            ) as by_date
        from sights
        inner join
            pages
            on pages.property_key = sights.property_key
            and pages.page_key = sights.page_key
            and pages.origin = sights.origin
        group by sights.property_key, sights.page_key, sights.origin
    ),

    gone as (
        select
            ended.property_key,
            ended.page_key,
            ended.by_date,
            max(sights.day) as after_date,
            min(last_sight.indexability) as reason
        from ended
        inner join
            sights
            on sights.property_key = ended.property_key
            and sights.page_key = ended.page_key
            and sights.origin = ended.origin
            and sights.day < ended.by_date
            and sights.is_there
            and not sights.is_gone
        inner join
            {{ ref('fct_page_crawl') }} as last_sight
            on last_sight.property_key = ended.property_key
            and last_sight.page_key = ended.page_key
            and last_sight.day = ended.by_date
        group by ended.property_key, ended.page_key, ended.origin, ended.by_date
    )

select
    property_key,
    page_key,
    'any' as engine,
    milestone,
    after_date,
    by_date,
    witness,
    case when after_date is null then 'unknown_start' end as reason
from dated
union all
select property_key, page_key, 'any', 'gone', after_date, by_date, 'crawl', reason
from gone
