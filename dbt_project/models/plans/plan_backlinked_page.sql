with
    links as (select * from {{ ref('int_link__describe_links') }}),

    lifespans as (select * from {{ ref('fct_link_lifespan') }}),

    properties as (select property_key, domain from {{ ref('stg_ops__property') }}),

    crawls as (select * from {{ ref('fct_page_crawl') }}),

    targets as (
        select
            links.property_key,
            links.page_key,
            min(links.target_url) as ask,
            count(distinct links.source_domain_key) as domain_count
        from links
        inner join
            lifespans
            on lifespans.property_key = links.property_key
            and lifespans.link_key = links.link_key
        inner join properties on properties.property_key = links.property_key
        where
            lifespans.state = 'live'
            and {{ is_host_of(url_host('links.target_url'), 'properties.domain') }}
        group by links.property_key, links.page_key
    ),

    last_crawls as (
        select property_key, max(day) as last_day
        from {{ ref('stg_ops__publication') }} as publication
        where {{ is_of_kind('publication', ['crawls'], is_export=false) }}
        group by property_key
    ),

    -- Of our own crawls, which alone say whether a sitemap names a page.
    visits as (
        select
            targets.property_key,
            targets.page_key,
            max(crawls.day) as visited_day,
            bool_or(crawls.depth is not null or crawls.is_in_sitemap) filter (
                where crawls.day = last_crawls.last_day
            ) as is_met
        from targets
        inner join
            crawls
            on crawls.property_key = targets.property_key
            and crawls.page_key = targets.page_key
        inner join last_crawls on last_crawls.property_key = targets.property_key
        where crawls.is_in_sitemap is not null
        group by targets.property_key, targets.page_key
    )

select
    targets.property_key,
    row_number() over (
        partition by targets.property_key
        order by visits.visited_day nulls first, targets.domain_count desc, targets.ask
    )::integer as place,
    targets.ask,
    targets.domain_count::double precision as score,
    case when visits.visited_day is null then 'never_visited' else 'longest_ago' end as reason
from targets
left join
    visits on visits.property_key = targets.property_key and visits.page_key = targets.page_key
where coalesce(not visits.is_met, true)
