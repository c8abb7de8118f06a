{{ config(materialized='table') }}

{#- What is told of a partner in a campaign, in one row. Money is summed as numeric, which no order of rows moves. -#}
with
    states as (
        select
            property_key,
            partner_key,
            campaign_key,
            min(from_date) as first_date,
            max(
                array_position(
                    array['contacted', 'replied', 'agreed', 'placed', 'verified', 'lost'], state
                )
            ) as reached_no,
            max(state) filter (where to_date is null) as state
        from {{ ref('fct_outreach') }}
        group by property_key, partner_key, campaign_key
    ),

    promised as (
        select
            property_key,
            partner_key,
            campaign_key,
            min(kind) as kind,
            sum(money::numeric) as money,
            count(*) filter (where money is null) as unpriced_count,
            count(placed_date) as placed_count,
            count(verified_date) as verified_count,
            sum(live_days_low) filter (where verified_date is not null) as live_days_low,
            sum(live_days) filter (where verified_date is not null) as live_days,
            sum(live_days_high) filter (where verified_date is not null) as live_days_high,
            count(*) filter (where is_unqualified_paid) as unqualified_paid_count
        from {{ ref('fct_placement') }}
        group by property_key, partner_key, campaign_key
    ),

    worked as (
        select
            touches.property_key,
            touches.partner_key,
            touches.campaign_key,
            sum(
                coalesce(
                    touches.cost * rate.dollars, touches.minutes / 60 * properties.hourly_rate
                )::numeric
            ) as money,
            bool_or(
                touches.cost is null and touches.minutes > 0 and properties.hourly_rate is null
            ) as lacks_rate
        from {{ ref('int_relation__read_touches') }} as touches
        inner join
            {{ ref('stg_ops__property') }} as properties
            on properties.property_key = touches.property_key
            {{ join_rate('touches', 'touches.day') }}
        group by touches.property_key, touches.partner_key, touches.campaign_key
    )

select
    states.property_key,
    states.partner_key,
    states.campaign_key,
    coalesce(campaigns.kind, promised.kind, 'unknown') as kind,
    campaigns.campaign_name,
    dates.as_of_date - states.first_date as age_days,
    greatest(states.reached_no, 1) as reached_no,
    states.state,
    coalesce(promised.money, 0) + coalesce(worked.money, 0) as money,
    coalesce(worked.money, 0) as work_money,
    coalesce(promised.unpriced_count, 0) as unpriced_count,
    coalesce(worked.lacks_rate, false) as lacks_rate,
    coalesce(promised.placed_count, 0) as placed_count,
    coalesce(promised.verified_count, 0) as verified_count,
    coalesce(promised.live_days_low, 0) as live_days_low,
    coalesce(promised.live_days, 0) as live_days,
    coalesce(promised.live_days_high, 0) as live_days_high,
    coalesce(promised.unqualified_paid_count, 0) as unqualified_paid_count
from states
inner join
    {{ ref('int_relation__date_properties') }} as dates on dates.property_key = states.property_key
inner join
    {{ ref('dim_campaign') }} as campaigns
    on campaigns.property_key = states.property_key
    and campaigns.campaign_key = states.campaign_key
left join
    promised
    on promised.property_key = states.property_key
    and promised.partner_key = states.partner_key
    and promised.campaign_key = states.campaign_key
left join
    worked
    on worked.property_key = states.property_key
    and worked.partner_key = states.partner_key
    and worked.campaign_key = states.campaign_key
