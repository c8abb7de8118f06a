{{ config(materialized='table', pre_hook='{{ join_as_written() }}') }}

with
    affected as (select * from {{ ref('int_link__list_affected_cells') }}),

    span as (
        select property_key, min(event_date) as first_date, max(event_date) as last_date
        from affected
        group by property_key
    ),

    series as (select * from {{ ref('int_link__list_series') }}),

    -- Every series has a total on the last day. One that had not been checked by the eve of a
    -- date has no base.
    begins as materialized(
        select
            series.property_key,
            series.series_key,
            {%- for name, order in [('first_day', 'asc'), ('last_day', 'desc')] %}
                (
                    select distinct on (totals.property_key) totals.day
                    from {{ ref('int_link__sum_positions') }} as totals
                    where
                        totals.property_key = series.property_key
                        and totals.series_key = series.series_key
                    order by totals.property_key, totals.day {{ order }}
                ) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from series
    ),

    versions as (select * from {{ ref('int_page__version_pages') }}),

    first_versions as (
        select property_key, url_key, min(valid_from_date) as valid_from_date
        from versions
        group by property_key, url_key
    ),

    topics as (select property_key, page_key, topic from {{ ref('dim_page') }}),

    tracked as (
        select property_key, keyword_key, page_key
        from {{ ref('int_serp__state_keywords') }}
        where page_key is not null
    ),

    -- Where each configured page led over time: until its first version a URL is its own page.
    configured_stays as (
        select
            tracked.property_key,
            tracked.keyword_key,
            tracked.page_key,
            date '-infinity' as from_date,
            coalesce(first_versions.valid_from_date, 'infinity') as to_date
        from tracked
        left join
            first_versions
            on first_versions.property_key = tracked.property_key
            and first_versions.url_key = tracked.page_key
        union all
        select
            tracked.property_key,
            tracked.keyword_key,
            versions.page_key,
            versions.valid_from_date,
            versions.valid_to_date
        from tracked
        inner join
            versions
            on versions.property_key = tracked.property_key
            and versions.url_key = tracked.page_key
    ),

    configured as (
        select
            stays.property_key, affected.event_date, series.series_key, stays.page_key, topics.topic
        from configured_stays as stays
        inner join
            topics on topics.property_key = stays.property_key and topics.page_key = stays.page_key
        inner join
            affected
            on affected.property_key = stays.property_key
            and affected.topic = topics.topic
            and affected.event_date >= stays.from_date
            and affected.event_date < stays.to_date
        inner join
            series
            on series.property_key = stays.property_key
            and series.keyword_key = stays.keyword_key
    ),

    unconfigured as (
        select series.property_key, series.series_key
        from series
        left join
            tracked
            on tracked.property_key = series.property_key
            and tracked.keyword_key = series.keyword_key
        where tracked.page_key is null
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
                then (marked.days & ((1 << day_of_block) - 1)) << (28 - day_of_block)
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

    -- Without a configured page: the one that ranked on most of the 28 days before, of equals the
    -- later. On one day only one ranks, so the later one's highest bit is the higher.
    modal as (
        select distinct
            on (property_key, event_date, series_key)
            property_key,
            event_date,
            series_key,
            led_to_page_key as page_key
        from placed
        order by property_key, event_date, series_key, bit_count(days::bit(28)) desc, days desc
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

select
    frozen.property_key,
    frozen.event_date,
    frozen.series_key,
    series.keyword_key,
    series.engine,
    series.locale,
    series.device,
    frozen.page_key,
    frozen.topic
from frozen
inner join
    begins
    on begins.property_key = frozen.property_key
    and begins.series_key = frozen.series_key
    and begins.first_day < frozen.event_date
    and begins.last_day >= frozen.event_date - 1
inner join
    series on series.property_key = frozen.property_key and series.series_key = frozen.series_key
