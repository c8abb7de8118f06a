{{
    config(
        materialized='table',
        indexes=[
            {'columns': ['property_key', 'event_key'], 'unique': True},
            {'columns': ['property_key', 'page_key', 'event_date']},
        ],
    )
}}

{%- set group_columns = 'property_key, page_key, event_date, direction, linking_key' %}

with
    stays as (select * from {{ ref('int_link__merge_stays') }}),

    looks as (
        select property_key, min(day) as first_day
        from {{ ref('int_link__judge_looks') }}
        where is_complete_look
        group by property_key
    ),

    -- What comes and goes by itself tells nothing of a link's effect.
    rotating as (
        select property_key, link_key, min(first_miss_day) as since_date
        from {{ ref('int_link__judge_misses') }}
        where is_intermittent
        group by property_key, link_key
    ),

    events as (
        select
            property_key,
            event_key,
            link_key,
            event_type,
            event_date,
            page_key,
            linking_key,
            case when event_type = 'lost' then 'lost' else 'gained' end as direction,
            {{ rel_class('rel_set') }} as rel_class,
            is_index_change,
            is_date_wide as is_uncertain_date
        from {{ ref('int_link__place_events') }}
        where event_type in ('acquired', 'lost', 'restored')
    ),

    -- What the domain had on the page around the event, on the URLs that led to it that day.
    surroundings as (
        select
            events.property_key,
            events.event_key,
            bool_or(stays.begin_date = events.event_date) as is_begin,
            bool_or(stays.end_date = events.event_date) as is_end,
            bool_or(
                stays.begin_date < events.event_date
                and stays.end_date > events.event_date - {{ var('link_memory_days') | int }}
            ) as was_live,
            bool_or(
                stays.begin_date <= events.event_date and stays.end_date > events.event_date
            ) as is_live
        from events
        inner join
            stays
            on stays.property_key = events.property_key
            and stays.page_key = events.page_key
            and stays.linking_key = events.linking_key
            and events.event_date >= stays.from_date
            and events.event_date < stays.to_date
            and stays.rel_class = events.rel_class
        group by events.property_key, events.event_key
    ),

    -- A gain counts where the domain had no live link of the class on the days before that are
    -- remembered, a loss where it has none left.
    counted as (
        select
            events.*,
            coalesce(
                case
                    when events.direction = 'gained'
                    then surroundings.is_begin and not surroundings.was_live
                    else surroundings.is_end and not surroundings.is_live
                end,
                false
            ) as is_state_change
        from events
        left join
            surroundings
            on surroundings.property_key = events.property_key
            and surroundings.event_key = events.event_key
    ),

    -- What one domain gives to one page on one date is one event; a followed link stands for all,
    -- then the lowest key.
    numbered as (
        select
            *,
            row_number() over (
                partition by {{ group_columns }}
                order by is_state_change desc, rel_class = 'followed' desc, link_key, event_key
            ) as member_no
        from counted
    )

select
    numbered.property_key,
    numbered.event_key,
    numbered.link_key,
    numbered.event_type,
    numbered.event_date,
    numbered.page_key,
    pages.topic,
    numbered.linking_key,
    numbered.direction,
    numbered.rel_class,
    case
        when numbered.event_date >= rotating.since_date
        then null
        when numbered.direction = 'gained' and numbered.rel_class = 'followed'
        then 'acquired_followed'
        when numbered.direction = 'gained' and numbered.rel_class = 'nofollow'
        then 'acquired_nofollow'
        when numbered.direction = 'lost' and numbered.rel_class = 'followed'
        then 'lost_followed'
    end as arm,
    numbered.is_state_change and numbered.member_no = 1 as is_event,
    numbered.is_uncertain_date,
    numbered.is_index_change,
    coalesce(
        looks.first_day > numbered.event_date - {{ var('link_memory_days') | int }}, true
    ) as is_history_short
from numbered
left join looks on looks.property_key = numbered.property_key
left join
    rotating
    on rotating.property_key = numbered.property_key
    and rotating.link_key = numbered.link_key
left join
    {{ ref('dim_page') }} as pages
    on pages.property_key = numbered.property_key
    and pages.page_key = numbered.page_key
