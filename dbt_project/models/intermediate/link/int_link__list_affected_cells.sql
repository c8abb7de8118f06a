{{
    config(
        materialized='table',
        indexes=[{'columns': ['property_key', 'event_date', 'topic'], 'unique': True}],
    )
}}

with
    reaches as (select * from {{ ref('int_effect__list_reaches') }}),

    events as (
        select property_key, topic, event_date, page_key
        from {{ ref('int_link__judge_events') }}
        where topic is not null
    ),

{% if is_rank_change_partial() -%}
        changed_events as ({{ changed_rows(ref('int_link__judge_events'), 'modelled_event') }}),

        changed_links as ({{ changed_rows(ref('int_link__place_changes'), 'modelled_change') }}),

        changed_series as ({{ changed_rows(ref('int_link__date_series'), 'modelled_series') }}),

        days as (select * from {{ ref('int_effect__list_changed_days') }}),

        told_pages as (
            select
                changes.property_key,
                changes.page_key,
                pages.topic,
                changes.kind,
                changes.first_day,
                changes.last_day,
                changes.is_changed
            from ({{ dated_page_changes() }}) as changes
            inner join
                days
                on days.property_key = changes.property_key
                and days.kind = changes.kind
                and days.first_day = changes.day
            inner join
                {{ ref('dim_page') }} as pages
                on pages.property_key = changes.property_key
                and pages.page_key = changes.page_key
        ),

        touched_pages as (
            select property_key, page_key, topic, 'page_change' as kind, first_day, last_day
            from told_pages
            where is_changed
            union
            select
                property_key,
                page_key,
                topic,
                'link_change',
                change_date as first_day,
                change_date as last_day
            from changed_links
            where topic is not null
        ),

        widest as (
            select kind, max(before_days) as before_days, max(after_days) as after_days
            from reaches
            group by kind
        ),

        spans as (
            select property_key, null as topic, kind, first_day, last_day
            from days
            union
            select property_key, topic, kind, first_day, last_day
            from touched_pages
            union
            select property_key, topic, 'watch', first_day, last_day
            from told_pages
            where kind = 'crawls'
            union
            select property_key, topic, kind, event_date as first_day, event_date as last_day
            from changed_events
            cross join (values ('date'), ('member')) as kinds(kind)
            where topic is not null
            union
            -- What lies between since when a series was checked and since when it is.
            select
                property_key,
                null,
                'date',
                min(first_day) + 1,
                case when count(*) = 1 then 'infinity' else max(first_day) end
            from changed_series
            group by property_key, series_key
            union
            -- A page's own links tell of what happened to it before they are compared.
            select
                events.property_key,
                events.topic,
                'date',
                events.event_date as first_day,
                events.event_date as last_day
            from touched_pages
            inner join widest on widest.kind = touched_pages.kind
            inner join
                events
                on events.property_key = touched_pages.property_key
                and events.page_key = touched_pages.page_key
                and events.event_date >= touched_pages.first_day - widest.before_days
                and events.event_date <= touched_pages.last_day + widest.after_days
        ),

        known_until as (
            select property_key, max(day) as last_day
            from {{ source('ops', 'publication') }}
            group by property_key
        ),

        reached as (
            select
                spans.property_key,
                spans.topic,
                reaches.sample_no,
                spans.first_day - reaches.before_days as first_date,
                least(
                    spans.last_day + reaches.after_days, known_until.last_day - reaches.known_days
                ) as last_date
            from spans
            inner join reaches on reaches.kind = spans.kind
            inner join known_until on known_until.property_key = spans.property_key
        ),

        merged as (
            select
                property_key,
                topic,
                sample_no,
                range_agg(daterange(first_date, last_date, '[]')) as dates
            from reached
            where first_date <= last_date
            group by property_key, topic, sample_no
        ),

        candidates as (
            select property_key, topic, event_date
            from events
            union
            select property_key, topic, event_date
            from {{ source('ops', 'modelled_event') }}
            where topic is not null
        ),

        met as (
            select candidates.*, merged.sample_no
            from candidates
            inner join merged on merged.property_key = candidates.property_key
            where merged.topic is null and merged.dates @> candidates.event_date
            union
            select candidates.*, merged.sample_no
            from candidates
            inner join
                merged
                on merged.property_key = candidates.property_key
                and merged.topic = candidates.topic
            where merged.dates @> candidates.event_date
        )

    select property_key, topic, event_date, array_agg(sample_no) as sample_nos
    from met
    group by property_key, topic, event_date
{%- else -%}
        samples as (select array_agg(distinct sample_no) as sample_nos from reaches)

    select distinct events.property_key, events.topic, events.event_date, samples.sample_nos
    from events
    cross join samples
{%- endif %}
