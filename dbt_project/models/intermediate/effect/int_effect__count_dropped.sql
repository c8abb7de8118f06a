{{ config(materialized='table') }}

with
    events as (
        select property_key, event_key, arm
        from {{ ref('int_link__judge_events') }}
        where arm is not null
    ),

    contributions as (
        select property_key, event_key, panel, reason from {{ ref('rpt_link_contribution') }}
    )

select
    events.property_key,
    contributions.panel,
    events.arm,
    contributions.reason,
    count(*)::integer as event_count
from events
inner join
    contributions
    on contributions.property_key = events.property_key
    and contributions.event_key = events.event_key
where contributions.reason is not null and contributions.reason <> 'too_few_events'
group by events.property_key, contributions.panel, events.arm, contributions.reason
