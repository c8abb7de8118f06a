{{
    config(
        materialized='table',
        indexes=[{'columns': ['property_key', 'page_key', 'event_date']}],
    )
}}

with
    events as (select * from {{ ref('int_link__judge_events') }}),

    described as (select * from {{ ref('int_effect__describe_events') }}),

    weighed as (select * from {{ ref('int_effect__weigh_links') }}),

    reason_order as (
        select *
        from
            (
                values
                    {%- for reason in change_reasons() %}
                        ({{ loop.index }}, '{{ reason.name }}'){{ ',' if not loop.last }}
                    {%- endfor %}
            ) as listed(reason_no, reason)
    ),

    -- A keyword that was not measured leaves its page to the others.
    -- Of all their reasons the one that is asked last is given.
    last_reasons as (
        select
            changes.property_key,
            changes.engine as panel,
            changes.event_key,
            max(reason_order.reason_no) as reason_no
        from {{ ref('fct_link_rank_change') }} as changes
        left join reason_order on reason_order.reason = changes.reason
        where changes.window_name = 'headline'
        group by changes.property_key, changes.engine, changes.event_key
    ),

    -- Every link event is told of in the panel of checks.
    -- In Search Console's are those that could be compared.
    panels as (
        select
            events.property_key,
            events.event_key,
            properties.engine as panel,
            'log_position' as outcome
        from events
        inner join
            {{ ref('dim_property') }} as properties on properties.property_key = events.property_key
        union
        select property_key, event_key, panel, outcome
        from weighed
    ),

    reasoned as (
        select
            panels.property_key,
            panels.panel,
            panels.event_key,
            panels.outcome,
            events.link_key,
            events.page_key,
            events.event_date,
            events.arm,
            described.authority_level,
            weighed.base_mean,
            weighed.window_mean,
            weighed.control_change,
            weighed.control_count,
            weighed.own_effect,
            weighed.own_standard_error,
            weighed.group_event_count,
            weighed.group_effect,
            weighed.own_weight,
            weighed.shrunk_effect,
            -- Of the normal distribution: the group's mean and spread are in the standard error.
            1.959963984540054 * weighed.shrunk_standard_error + weighed.placebo_size as half_width,
            -- Fewer alike say nothing of how links differ.
            case
                when weighed.group_event_count >= {{ var('least_events') }}
                then null
                when weighed.event_key is not null
                then 'too_few_events'
                when last_reasons.event_key is null
                then 'no_keyword'
                when reason_order.reason = 'same_event'
                then 'same_event'
                when events.arm is null
                then 'no_arm'
                else coalesce(reason_order.reason, 'no_controls')
            end as reason
        from panels
        inner join
            events
            on events.property_key = panels.property_key
            and events.event_key = panels.event_key
        left join
            described
            on described.property_key = panels.property_key
            and described.event_key = panels.event_key
        left join
            weighed
            on weighed.property_key = panels.property_key
            and weighed.event_key = panels.event_key
            and weighed.panel = panels.panel
        left join
            last_reasons
            on last_reasons.property_key = panels.property_key
            and last_reasons.event_key = panels.event_key
            and last_reasons.panel = panels.panel
        left join reason_order on reason_order.reason_no = last_reasons.reason_no
    )

select
    property_key,
    panel,
    event_key,
    link_key,
    page_key,
    event_date,
    arm,
    authority_level,
    outcome,
    'headline' as window_name,
    base_mean,
    window_mean,
    control_change,
    control_count,
    case when reason is null then own_effect end as own_effect,
    case when reason is null then own_standard_error end as own_standard_error,
    group_event_count::integer as group_event_count,
    case when reason is null then group_effect end as group_effect,
    case when reason is null then shrunk_effect end as shrunk_effect,
    case when reason is null then shrunk_effect - half_width end as shrunk_low,
    case when reason is null then shrunk_effect + half_width end as shrunk_high,
    case when reason is null then own_weight end as own_weight,
    reason
from reasoned
