with
    crawls as (select * from {{ ref('fct_page_crawl') }}),

    starts as (
        select property_key, origin, min(day) as start_day from crawls group by property_key, origin
    ),

    sights as (
        select property_key, page_key, origin, min(day) as first_day
        from crawls
        where status_code = 200
        group by property_key, page_key, origin
    )

select
    sights.property_key,
    sights.page_key,
    min(sights.first_day) as first_sight_date,
    -- What the first crawl met was there before, whoever crawled.
    case
        when bool_and(sights.first_day > starts.start_day) then min(sights.first_day)
    end as published_date
from sights
inner join starts on starts.property_key = sights.property_key and starts.origin = sights.origin
group by sights.property_key, sights.page_key
