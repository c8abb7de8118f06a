{{ config(materialized='table', pre_hook='{{ join_as_written() }}') }}

with
    affected as (select * from {{ ref('int_link__list_affected_cells') }}),

    span as (
        select property_key, min(event_date) as first_date, max(event_date) as last_date
        from affected
        group by property_key
    ),

    series as (select * from {{ ref('int_link__list_series') }}),

    -- One that had not been checked by the eve of a date has no base.
    begins as (select * from {{ ref('int_link__date_series') }}),

    versions as (select * from {{ ref('int_page__version_pages') }}),

    topics as (select property_key, page_key, topic from {{ ref('dim_page') }}),

    stated as (select * from {{ ref('int_serp__place_keywords') }}),

    configured as (
        select
            stated.property_key,
            affected.event_date,
            series.series_key,
            stated.page_key,
            stated.topic
        from stated
        inner join
            affected
            on affected.property_key = stated.property_key
            and affected.topic = stated.topic
            and affected.event_date >= stated.from_date
            and affected.event_date < stated.to_date
        inner join
            series
            on series.property_key = stated.property_key
            and series.keyword_key = stated.keyword_key
    ),

    unconfigured as (
        select series.property_key, series.series_key
        from series
        left join
            {{ ref('int_serp__state_keywords') }} as keywords
            on keywords.property_key = series.property_key
            and keywords.keyword_key = series.keyword_key
        where keywords.page_key is null
    ),

    marked as (
        select marked.*
        from {{ ref('int_link__mark_ranked_days') }} as marked
        inner join
            unconfigured
            on unconfigured.property_key = marked.property_key
            and unconfigured.series_key = marked.series_key
        inner join
            span
            on span.property_key = marked.property_key
            and marked.block
            between {{ block_of('span.first_date') }} - 1 and {{ block_of('span.last_date') }}
    ),

    candidates as (select distinct property_key, series_key, page_key from marked),

    -- Topics of what a URL has led to, and of itself.
    url_topics as (
        select property_key, page_key, topic
        from topics
        union
        select versions.property_key, versions.url_key, topics.topic
        from versions
        inner join
            topics
            on topics.property_key = versions.property_key
            and topics.page_key = versions.page_key
    ),

    series_topics as (
        select distinct candidates.property_key, candidates.series_key, url_topics.topic
        from candidates
        inner join
            url_topics
            on url_topics.property_key = candidates.property_key
            and url_topics.page_key = candidates.page_key
    ),

    -- Dates at which a series may have a page of the topic.
    series_dates as (
        select distinct series_topics.property_key, series_topics.series_key, affected.event_date
        from series_topics
        inner join
            affected
            on affected.property_key = series_topics.property_key
            and affected.topic = series_topics.topic
    ),

    -- The 28 days before each are in the block that the date is in, and in the one before.
    series_blocks as (
        select
            series_dates.*,
            {{ day_of_block('event_date') }} as day_of_block,
            {{ block_of('event_date') }} as last_block,
            {{ block_of('event_date') }} - generate_series(0, 1) as block
        from series_dates
    ),

    -- The eve of the date is the highest bit.
    looked as (
        select
            series_blocks.property_key,
            series_blocks.series_key,
            series_blocks.event_date,
            marked.page_key,
            case
                when series_blocks.block = last_block
                then
                    (marked.days & ((1 << day_of_block) - 1))
                    << ({{ var('ranked_days') | int }} - day_of_block)
                else marked.days >> day_of_block
            end as days
        from series_blocks
        inner join
            marked
            on marked.property_key = series_blocks.property_key
            and marked.series_key = series_blocks.series_key
            and marked.block = series_blocks.block
    ),

    -- A page that has moved meanwhile counts as what it is at the event's date.
    placed as (
        select
            looked.property_key,
            looked.event_date,
            looked.series_key,
            {{ page_as_of('looked', 'page_key') }} as led_to_page_key,
            bit_or(looked.days) as days
        from looked {{ join_page_version('looked', 'page_key', 'looked.event_date') }}
        where looked.days <> 0
        group by looked.property_key, looked.event_date, looked.series_key, led_to_page_key
    ),

    -- The one that ranked on most of the 28 days before, of equals the later. On one day only one
    -- ranks, so the later one's highest bit is the higher.
    modal as (
        select distinct
            on (property_key, event_date, series_key)
            property_key,
            event_date,
            series_key,
            led_to_page_key as page_key
        from placed
        order by
            property_key,
            event_date,
            series_key,
            bit_count(days::bit({{ var('ranked_days') | int }})) desc,
            days desc
    ),

    frozen as (
        select *
        from configured
        union all
        select modal.property_key, modal.event_date, modal.series_key, modal.page_key, topics.topic
        from modal
        inner join
            topics on topics.property_key = modal.property_key and topics.page_key = modal.page_key
        inner join
            affected
            on affected.property_key = modal.property_key
            and affected.event_date = modal.event_date
            and affected.topic = topics.topic
    )

select frozen.*
from frozen
inner join
    begins
    on begins.property_key = frozen.property_key
    and begins.series_key = frozen.series_key
    and begins.first_day < frozen.event_date
    and begins.last_day >= frozen.event_date - 1
