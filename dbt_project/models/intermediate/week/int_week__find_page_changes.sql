{{ config(materialized='table') }}

with spans as ({{ span_of_weeks('pages') }})

select
    crawl.property_key,
    {{ week_no_of('crawl.day') }} as week_no,
    {{ week_end_of('crawl.day') }} as last_day,
    crawl.day,
    crawl.page_key,
    crawl.url,
    crawl.indexability,
    crawl.is_indexable
from {{ ref('fct_page_crawl') }} as crawl
inner join
    spans as span
    on span.property_key = crawl.property_key
    and crawl.day between span.first_day and span.last_day
inner join
    {{ ref('fct_page_crawl') }} as previous
    on previous.property_key = crawl.property_key
    and previous.page_key = crawl.page_key
    and previous.day = crawl.previous_answer_day
    and previous.origin = crawl.origin
where crawl.is_indexability_changed and crawl.is_indexable <> previous.is_indexable
