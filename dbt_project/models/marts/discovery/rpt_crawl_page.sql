{%- set impression_days = 28 %}
{{ config(materialized='table') }}

with
    crawled as (
        select publication.property_key, max(publication.day) as day
        from {{ source('ops', 'publication') }} as publication
        where
            publication.is_current
            and (publication.facts ->> 'is_complete')::boolean
            and {{ is_of_kind('publication', ['crawls']) }}
        group by publication.property_key
    ),

    -- As the last whole crawl met them.
    met as (
        select
            crawl.property_key,
            crawl.page_key,
            crawl.depth,
            crawl.inlink_count,
            crawl.is_in_sitemap,
            crawl.is_indexable,
            percent_rank() over (
                partition by crawl.property_key, crawl.is_indexable, crawl.inlink_count is null
                order by crawl.inlink_count
            ) as inlink_rank
        from {{ ref('fct_page_crawl') }} as crawl
        inner join crawled on crawled.property_key = crawl.property_key and crawled.day = crawl.day
    ),

    visits as (select * from {{ ref('int_bot__sum_page_visits') }}),

    recent as (
        select property_key, min(recent_from_day) as first_day from visits group by property_key
    ),

    links as (
        select
            property_key,
            page_key,
            count(distinct source_domain_key) as linking_domain_count,
            count(distinct source_domain_key) filter (where is_followed) as followed_domain_count
        from {{ ref('dim_link') }}
        where state = 'live'
        group by property_key, page_key
    ),

    searched as (
        select publication.property_key, max(publication.day) as last_day
        from {{ source('ops', 'publication') }} as publication
        where
            publication.is_current
            and {{ is_of_kind('publication', ['page_searches', 'searches']) }}
        group by publication.property_key
    ),

    shown as (
        select search.property_key, search.page_key, sum(search.impressions)::bigint as impressions
        from {{ ref('fct_search_page') }} as search
        inner join
            searched
            on searched.property_key = search.property_key
            and search.day > searched.last_day - {{ impression_days }}
        group by search.property_key, search.page_key
    ),

    states as (
        select
            property_key,
            page_key,
            state,
            reason,
            valid_from_date,
            to_date is null as is_last,
            bool_or(state = 'indexed') over (
                partition by property_key, page_key order by valid_from_date
            ) as was_indexed
        from {{ ref('fct_index_state') }}
        where engine = {{ search_engine() }}
    ),

    inspected as (
        select property_key, page_key, max(last_crawled_at)::date as told_visit_day
        from {{ ref('fct_index_look') }}
        where engine = {{ search_engine() }}
        group by property_key, page_key
    ),

    known as (
        select property_key, page_key
        from met
        where is_indexable
        union
        select property_key, page_key
        from visits
        where is_visited_orphan
        union
        select property_key, page_key
        from states
    )

select
    known.property_key,
    known.page_key,
    coalesce(page.url, visits.url) as url,
    page.topic,
    visits.last_visit_day,
    inspected.told_visit_day,
    recent.first_day as recent_from_day,
    case
        when recent.first_day is not null then coalesce(visits.recent_visit_count, 0)
    end as recent_visit_count,
    met.depth,
    met.inlink_count,
    met.is_in_sitemap,
    case when crawled.day is not null then met.page_key is not null end as is_in_crawl,
    coalesce(links.linking_domain_count, 0) as linking_domain_count,
    coalesce(links.followed_domain_count, 0) as followed_domain_count,
    case
        when searched.last_day is not null then coalesce(shown.impressions, 0)
    end as impression_count,
    states.state,
    states.reason,
    states.valid_from_date as state_from_date,
    case
        when recent.first_day is not null
        then
            visits.recent_visit_count is null
            and met.is_indexable is not false
            and (
                met.is_in_sitemap is true
                or (met.inlink_rank >= 2.0 / 3 and met.inlink_count > 0) is true
                or coalesce(links.followed_domain_count, 0) > 0
            )
    end as is_uncrawled_important,
    case
        when recent.first_day is not null and crawled.day is not null
        then coalesce(visits.is_visited_orphan, false) and met.page_key is null
    end as is_orphan,
    coalesce(visits.last_visit_day, inspected.told_visit_day) is not null
    and states.state <> 'indexed' as is_crawled_not_indexed,
    states.state <> 'indexed' and states.was_indexed as is_lost_from_index
from known
left join
    {{ ref('dim_page') }} as page
    on page.property_key = known.property_key
    and page.page_key = known.page_key
left join met on met.property_key = known.property_key and met.page_key = known.page_key
left join crawled on crawled.property_key = known.property_key
left join recent on recent.property_key = known.property_key
left join searched on searched.property_key = known.property_key
left join visits on visits.property_key = known.property_key and visits.page_key = known.page_key
left join
    inspected on inspected.property_key = known.property_key and inspected.page_key = known.page_key
left join links on links.property_key = known.property_key and links.page_key = known.page_key
left join shown on shown.property_key = known.property_key and shown.page_key = known.page_key
left join
    states
    on states.property_key = known.property_key
    and states.page_key = known.page_key
    and states.is_last
where page.is_current is not false
