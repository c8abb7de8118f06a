{%- set windows = visit_windows() %}
{%- set memory = var('link_memory_days') | int %}
{%- set last_day = windows['window'][1] %}
{%- set least_days = 14 %}
{{ config(materialized='table') }}

with
    whole_days as (select * from {{ ref('int_bot__list_whole_days') }}),

    logged as (
        select property_key, min(day) as first_day, max(day) as last_day
        from whole_days
        group by property_key
    ),

    looks as (
        select property_key, max(day) as last_day
        from {{ ref('int_link__judge_looks') }}
        where is_complete_look
        group by property_key
    ),

    events as (
        select
            events.*, logged.first_day as logged_from, logged.last_day as logged_to, looks.last_day
        from {{ ref('int_link__judge_events') }} as events
        inner join logged on logged.property_key = events.property_key
        left join looks on looks.property_key = events.property_key
        where events.is_event and events.arm is not null and events.topic is not null
    ),

    -- Whole days of the window around a date that has the fewest.
    exposed as (
        select
            dates.property_key,
            dates.event_date,
            least(
                {%- for days in windows.values() %}
                    count(*) filter (
                        where
                            whole_days.day
                            between dates.event_date
                            + {{ days[0] }} and dates.event_date
                            + {{ days[1] }}
                    ){{ ',' if not loop.last }}
                {%- endfor %}
            ) as day_count
        from (select distinct property_key, event_date from events) as dates
        inner join
            whole_days
            on whole_days.property_key = dates.property_key
            and whole_days.day
            between dates.event_date - {{ memory }} and dates.event_date + {{ last_day }}
        group by dates.property_key, dates.event_date
    ),

    cells as (select distinct property_key, topic, event_date from events),

    link_changes as (
        select
            cells.property_key,
            cells.topic,
            cells.event_date,
            changes.page_key,
            changes.linking_key,
            changes.direction,
            changes.change_date
        from cells
        inner join
            {{ ref('int_link__place_changes') }} as changes
            on changes.property_key = cells.property_key
            and changes.topic = cells.topic
            and changes.change_date
            between cells.event_date - {{ memory }} and cells.event_date + {{ last_day }}
            and cells.event_date >= changes.from_date
            and cells.event_date < changes.to_date
    ),

    pages as (select property_key, topic, page_key from {{ ref('dim_page') }}),

    edits as (
        select pages.property_key, pages.topic, pages.page_key, dated.first_day, dated.last_day
        from ({{ dated_page_changes() }}) as dated
        inner join
            pages on pages.property_key = dated.property_key and pages.page_key = dated.page_key
        where dated.is_changed
    ),

    edited as (
        select distinct cells.property_key, cells.event_date, edits.page_key
        from cells
        inner join
            edits
            on edits.property_key = cells.property_key
            and edits.topic = cells.topic
            and edits.last_day >= cells.event_date - {{ var('change_memory_days') | int }}
            and edits.first_day <= cells.event_date + {{ last_day }}
    ),

    -- What the same domain gives or takes on the same date is the event itself.
    disturbed as (
        select distinct events.property_key, events.event_key
        from events
        inner join
            link_changes as changes
            on changes.property_key = events.property_key
            and changes.topic = events.topic
            and changes.event_date = events.event_date
            and changes.page_key = events.page_key
        where
            changes.linking_key <> events.linking_key
            or changes.change_date <> events.event_date
            or changes.direction <> events.direction
    ),

    treated as (
        select
            events.property_key,
            events.topic,
            events.event_date,
            events.page_key,
            events.event_key,
            events.arm,
            case
                when events.is_uncertain_date
                then 'uncertain_date'
                when events.is_index_change
                then 'index_change'
                when
                    events.is_history_short or events.logged_from > events.event_date - {{ memory }}
                then 'short_history'
                when
                    least(events.last_day, events.logged_to) < events.event_date + {{ last_day }}
                    or events.last_day is null
                then 'future_incomplete'
                when coalesce(exposed.day_count, 0) < {{ least_days }}
                then 'unmeasured'
                when disturbed.event_key is not null
                then 'other_link'
                when edited.page_key is not null
                then 'onpage_change'
            end as reason
        from events
        left join
            exposed
            on exposed.property_key = events.property_key
            and exposed.event_date = events.event_date
        left join
            disturbed
            on disturbed.property_key = events.property_key
            and disturbed.event_key = events.event_key
        left join
            edited
            on edited.property_key = events.property_key
            and edited.event_date = events.event_date
            and edited.page_key = events.page_key
    ),

    -- Pages of the same topic to which nothing happened over the same days.
    controls as (
        select cells.property_key, cells.topic, cells.event_date, pages.page_key
        from
            (
                select distinct property_key, topic, event_date from treated where reason is null
            ) as cells
        inner join pages on pages.property_key = cells.property_key and pages.topic = cells.topic
        left join
            (select distinct property_key, event_date, page_key from link_changes) as linked
            on linked.property_key = cells.property_key
            and linked.event_date = cells.event_date
            and linked.page_key = pages.page_key
        left join
            edited
            on edited.property_key = cells.property_key
            and edited.event_date = cells.event_date
            and edited.page_key = pages.page_key
        where linked.page_key is null and edited.page_key is null
    )

select property_key, topic, event_date, page_key, event_key, arm, reason
from treated
union all
select property_key, topic, event_date, page_key, null, 'control', null
from controls
