{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_claimed_links() }}',
    )
}}

with
    spans as (
        select * from {{ ref('int_link__date_spans') }} as span where {{ is_link_claimed('span') }}
    ),

    events as (
        select *
        from {{ ref('int_link__place_events') }} as event
        where {{ is_link_claimed('event') }}
    ),

    witnesses as (
        select
            property_key,
            link_key,
            witness,
            min(coalesce(start_date, begin_day)) as first_sight_date,
            max(coalesce(last_live_day, lost_earliest_date)) as last_sight_date
        from spans
        group by property_key, link_key, witness
    ),

    sights as (
        select
            property_key,
            link_key,
            min(first_sight_date) as first_sight_date,
            max(last_sight_date) as last_sight_date,
            count(*) as witness_count,
            jsonb_object_agg(
                witness,
                jsonb_build_object(
                    'first_sight_date', first_sight_date, 'last_sight_date', last_sight_date
                )
            ) as witness_sights
        from witnesses
        group by property_key, link_key
    ),

    -- Stays as the events draw them: each beginning lasts to the loss after it, else to the last
    -- sight.
    borders as (
        select
            events.property_key,
            events.link_key,
            events.event_type,
            coalesce(events.event_date, sights.first_sight_date) as border_date,
            row_number() over (
                partition by events.property_key, events.link_key, events.event_type = 'lost'
                order by events.event_date nulls first
            ) as stay_no
        from events
        inner join
            sights
            on sights.property_key = events.property_key
            and sights.link_key = events.link_key
        where events.event_type in ('present_at_start', 'acquired', 'restored', 'lost')
    ),

    stays as (
        select
            property_key,
            link_key,
            stay_no,
            min(border_date) filter (where event_type <> 'lost') as begin_date,
            min(border_date) filter (where event_type = 'lost') as end_date,
            bool_or(event_type = 'present_at_start') as is_present_at_start
        from borders
        group by property_key, link_key, stay_no
    ),

    lives as (
        select
            sights.property_key,
            sights.link_key,
            sights.first_sight_date,
            sights.last_sight_date,
            sights.witness_count::integer as witness_count,
            sights.witness_sights,
            bool_or(stays.is_present_at_start) as is_present_at_start,
            case
                when count(*) filter (where stays.end_date is null) > 0 then 'live' else 'lost'
            end as state,
            case
                when count(*) filter (where stays.end_date is null) = 0 then max(stays.end_date)
            end as lost_date,
            count(stays.end_date)::integer as loss_count,
            sum(
                greatest(coalesce(stays.end_date, sights.last_sight_date) - stays.begin_date, 0)
            )::integer as days_alive
        from sights
        inner join
            stays on stays.property_key = sights.property_key and stays.link_key = sights.link_key
        group by
            sights.property_key,
            sights.link_key,
            sights.first_sight_date,
            sights.last_sight_date,
            sights.witness_count,
            sights.witness_sights
    )

select
    lives.*,
    coalesce(checks.is_intermittent, false) as is_intermittent,
    coalesce(checks.miss_count, 0) as miss_count,
    checks.last_grade as last_check_grade,
    checks.last_checked_at
from lives
left join
    {{ ref('int_link__sum_checks') }} as checks
    on checks.property_key = lives.property_key
    and checks.link_key = lives.link_key
