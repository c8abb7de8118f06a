with
    links as (
        select *
        from {{ ref('int_page__read_crawl_links') }}
        where not is_export and is_internal and not rel && array['nofollow', 'ugc', 'sponsored']
    ),

    -- A page may say that none of its links is to be followed.
    followed as (
        select links.*
        from links
        inner join
            {{ ref('int_page__read_crawls') }} as page
            on page.property_key = links.property_key
            and page.day = links.day
            and page.page_key = links.source_page_key
            and page.origin = links.origin
        where
            page.status_code = 200
            and not exists (
                select 1
                from unnest(array_cat(page.meta_robots, page.x_robots_tag)) as directive
                where directive ~ '^(googlebot\s*:\s*)?(nofollow|none)$'
            )
    ),

    led as (
        select
            followed.property_key,
            followed.day,
            {{ page_as_of('followed', 'source_page_key', 'source') }} as source_page_key,
            {{ page_as_of('followed', 'target_page_key', 'target') }} as target_page_key
        from
            followed
            {{ join_page_version('followed', 'source_page_key', 'followed.day', 'source') }}
            {{ join_page_version('followed', 'target_page_key', 'followed.day', 'target') }}
    )

select distinct property_key, day, source_page_key, target_page_key
from led
where source_page_key <> target_page_key
