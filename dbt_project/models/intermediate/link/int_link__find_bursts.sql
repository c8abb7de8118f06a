{{ config(materialized='table') }}

with
    burst as (select end_day from {{ ref('link_windows') }} where window_name = 'burst'),

    gains as (
        select * from {{ ref('int_link__judge_events') }} where is_event and direction = 'gained'
    ),

    days as (
        select
            property_key,
            page_key,
            topic,
            event_date,
            min(event_key) as event_key,
            bool_or(is_history_short) as is_history_short
        from gains
        where topic is not null
        group by property_key, page_key, topic, event_date
    ),

    -- Changes of the page's links around the day, on the URLs that led to it that day.
    surroundings as (
        select
            days.*,
            changes.linking_key,
            changes.change_date,
            changes.direction = 'gained'
            and changes.change_date
            between days.event_date and days.event_date + {{ var('burst_days') | int }} as is_member
        from days
        inner join
            {{ ref('int_link__place_changes') }} as changes
            on changes.property_key = days.property_key
            and changes.page_key = days.page_key
            and changes.change_date >= days.event_date - {{ var('link_memory_days') | int }}
            and changes.change_date <= days.event_date + (select end_day from burst)
            and days.event_date >= changes.from_date
            and days.event_date < changes.to_date
    )

select
    surroundings.property_key,
    surroundings.event_key,
    surroundings.page_key,
    surroundings.topic,
    surroundings.event_date,
    max(surroundings.change_date) filter (where surroundings.is_member) as last_date,
    count(distinct surroundings.linking_key) filter (
        where surroundings.is_member and gains.arm = 'acquired_followed'
    ) as followed_domain_count,
    count(distinct surroundings.linking_key) filter (where surroundings.is_member) as domain_count,
    -- Who came otherwise than as an event at its date is as uncertain.
    bool_or(
        surroundings.is_member and coalesce(gains.is_uncertain_date, true)
    ) as is_uncertain_date,
    bool_or(surroundings.is_member and coalesce(gains.is_index_change, false)) as is_index_change,
    surroundings.is_history_short,
    bool_or(not surroundings.is_member) as is_disturbed
from surroundings
left join
    gains
    on gains.property_key = surroundings.property_key
    and gains.page_key = surroundings.page_key
    and gains.linking_key = surroundings.linking_key
    and gains.event_date = surroundings.change_date
group by
    surroundings.property_key,
    surroundings.event_key,
    surroundings.page_key,
    surroundings.topic,
    surroundings.event_date,
    surroundings.is_history_short
having
    -- It begins where no link had come or gone.
    bool_and(surroundings.change_date >= surroundings.event_date)
    and count(distinct surroundings.linking_key) filter (
        where surroundings.is_member and gains.arm = 'acquired_followed'
    )
    >= 2
