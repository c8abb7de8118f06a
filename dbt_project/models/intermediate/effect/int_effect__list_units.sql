{{ config(materialized='table') }}

with
    affected as (select * from {{ ref('int_link__list_affected_cells') }}),

    samples as (select * from {{ ref('int_effect__list_samples') }}),

    horizons as (select distinct horizon_day from samples),

    link_changes as (select * from {{ ref('int_link__place_changes') }}),

    pages as (
        select property_key, event_date, page_key
        from {{ ref('int_link__freeze_keywords') }}
        union
        select property_key, event_date, page_key
        from {{ ref('int_effect__measure_search_bases') }}
    ),

    -- First change of a page's links since they are remembered.
    next_links as (
        select
            pages.property_key,
            pages.event_date,
            pages.page_key,
            min(link_changes.change_date) as link_date
        from pages
        inner join
            link_changes
            on link_changes.property_key = pages.property_key
            and link_changes.page_key = pages.page_key
            and link_changes.change_date >= pages.event_date - {{ var('link_memory_days') | int }}
            and link_changes.change_date
            <= pages.event_date + (select max(horizon_day) from horizons)
            and pages.event_date >= link_changes.from_date
            and pages.event_date < link_changes.to_date
        group by pages.property_key, pages.event_date, pages.page_key
    ),

    looks as (
        select property_key, max(day) as last_day
        from {{ ref('int_link__judge_looks') }}
        where is_complete_look
        group by property_key
    ),

    -- Events that nothing else disturbs to the horizon.
    -- One in no arm has controls too, for its own comparison.
    undisturbed as (
        select
            events.property_key,
            events.topic,
            events.event_date,
            events.page_key,
            events.event_key,
            events.arm as role,
            neighbours.horizon_day,
            false as is_burst,
            affected.sample_nos
        from {{ ref('int_link__judge_events') }} as events
        inner join
            affected
            on affected.property_key = events.property_key
            and affected.topic = events.topic
            and affected.event_date = events.event_date
        inner join
            {{ ref('int_link__count_neighbours') }} as neighbours
            on neighbours.property_key = events.property_key
            and neighbours.event_key = events.event_key
        inner join looks on looks.property_key = events.property_key
        where
            events.is_event
            and not events.is_uncertain_date
            and not events.is_index_change
            and not events.is_history_short
            and neighbours.other_link_count = 0
            and events.event_date + neighbours.horizon_day <= looks.last_day
            and exists (
                select 1
                from samples
                where
                    samples.sample_no = any(affected.sample_nos)
                    and samples.horizon_day = neighbours.horizon_day
                    and not samples.is_burst
            )
        union all
        select
            bursts.property_key,
            bursts.topic,
            bursts.event_date,
            bursts.page_key,
            bursts.event_key,
            'burst_followed',
            horizons.horizon_day,
            true,
            affected.sample_nos
        from {{ ref('int_link__find_bursts') }} as bursts
        inner join
            affected
            on affected.property_key = bursts.property_key
            and affected.topic = bursts.topic
            and affected.event_date = bursts.event_date
        inner join looks on looks.property_key = bursts.property_key
        cross join (select distinct horizon_day from samples where is_burst) as horizons
        where
            not bursts.is_uncertain_date
            and not bursts.is_index_change
            and not bursts.is_history_short
            and not bursts.is_disturbed
            and bursts.event_date + horizons.horizon_day <= looks.last_day
            and exists (
                select 1
                from samples
                where samples.sample_no = any(affected.sample_nos) and samples.is_burst
            )
    ),

    treated_cells as (
        select distinct property_key, topic, event_date, horizon_day, is_burst, sample_nos
        from undisturbed
    ),

    -- Pages of the same topic whose links do not change from when they are remembered to the
    -- horizon.
    controls as (
        select
            cells.property_key,
            cells.topic,
            cells.event_date,
            pages.page_key,
            null::bigint as event_key,
            'control' as role,
            cells.horizon_day,
            cells.is_burst,
            cells.sample_nos
        from pages
        inner join
            {{ ref('dim_page') }} as topics
            on topics.property_key = pages.property_key
            and topics.page_key = pages.page_key
        inner join
            treated_cells as cells
            on cells.property_key = pages.property_key
            and cells.event_date = pages.event_date
            and cells.topic = topics.topic
        left join
            next_links
            on next_links.property_key = pages.property_key
            and next_links.event_date = pages.event_date
            and next_links.page_key = pages.page_key
        where
            next_links.link_date is null
            or next_links.link_date > cells.event_date + cells.horizon_day
    ),

    roles as (
        select *
        from undisturbed
        where role is not null
        union all
        select *
        from controls
    )

select
    roles.property_key,
    roles.topic,
    roles.event_date,
    roles.page_key,
    roles.event_key,
    roles.role,
    roles.event_date + roles.horizon_day as horizon_date,
    samples.sample_no,
    samples.begin_day,
    samples.end_day,
    samples.window_name in ('headline', 'placebo')
    and samples.horizon_day = (select min(horizon_day) from horizons) as is_main
from roles
inner join
    samples
    on samples.horizon_day = roles.horizon_day
    and samples.is_burst = roles.is_burst
    and samples.sample_no = any(roles.sample_nos)
