{#- Student's t at 95 % and, for what would be found four times in five, at 80 %, as quantiles of the normal. -#}
{%- set z_interval = 1.959963984540054 %}
{%- set z_power = 0.8416212335729143 %}
{%- set least_visits = 30 %}
{%- set estimate_events = 30 %}
{{ config(materialized='table') }}

with
    scored as (select * from {{ ref('int_effect__score_visits') }}),

    sums as (select * from {{ ref('int_effect__sum_visits') }}),

    counted as (select * from {{ ref('int_effect__count_visits') }}),

    bots as (
        select distinct budget.property_key, budget.bot
        from {{ ref('rpt_crawl_budget') }} as budget
        inner join {{ ref('dim_bot') }} as bots on bots.bot = budget.bot
        where bots.is_crawler
    ),

    -- What became of each event of an arm, for each crawler that comes at all.
    judged as (
        select
            units.property_key,
            bots.bot,
            units.arm,
            case
                when units.reason is not null
                then units.reason
                when counted.event_key is null
                then 'not_visited'
                when scored.event_key is null
                then 'no_controls'
            end as reason
        from {{ ref('int_effect__list_crawl_units') }} as units
        inner join bots on bots.property_key = units.property_key
        left join
            counted
            on counted.property_key = units.property_key
            and counted.bot = bots.bot
            and counted.event_key = units.event_key
        left join
            scored
            on scored.property_key = units.property_key
            and scored.bot = bots.bot
            and scored.event_key = units.event_key
        where units.arm <> 'control'
    ),

    reasons as (
        select property_key, bot, arm, reason, count(*) as event_count
        from judged
        group by property_key, bot, arm, reason
    ),

    pooled as (select property_key from {{ ref('stg_ops__property') }} where is_pooled),

    dropped as (
        select
            property_key,
            bot,
            arm,
            coalesce(
                jsonb_object_agg(reason, event_count) filter (where reason is not null), '{}'
            ) as dropped_events
        from
            (
                select property_key, bot, arm, reason, event_count
                from reasons
                union all
                select 0, bot, arm, reason, sum(event_count)
                from reasons
                where property_key in (select property_key from pooled)
                group by bot, arm, reason
            ) as told
        group by property_key, bot, arm
    ),

    estimated as (
        select
            dropped.property_key,
            dropped.bot,
            dropped.arm,
            dropped.dropped_events,
            coalesce(sums.event_count, 0)::integer as event_count,
            coalesce(sums.treated_page_count, 0)::integer as treated_page_count,
            coalesce(sums.page_count, 0)::integer as page_count,
            coalesce(sums.base_visit_count, 0)::bigint as base_visit_count,
            coalesce(sums.window_visit_count, 0)::bigint as window_visit_count,
            sums.rate_ratio,
            sums.placebo_ratio,
            sums.standard_error,
            sums.placebo_p_value
        from dropped
        left join
            sums
            on sums.property_key = dropped.property_key
            and sums.bot = dropped.bot
            and sums.arm = dropped.arm
    ),

    judged_estimates as (
        select
            *,
            ln(nullif(rate_ratio, 0)) as effect,
            abs(ln(nullif(placebo_ratio, 0))) as wider,
            standard_error * {{ student_t(z_interval, '(treated_page_count - 1)') }} as half_width,
            standard_error * (
                {{ student_t(z_interval, '(treated_page_count - 1)') }}
                + {{ student_t(z_power, '(treated_page_count - 1)') }}
            ) as detectable,
            case
                when treated_page_count < {{ var('least_events') }}
                then 'too_few_events'
                when base_visit_count < {{ least_visits }} or rate_ratio = 0
                then 'too_few_visits'
                when coalesce(placebo_ratio, 0) = 0
                then 'no_placebo'
            end as reason
        from estimated
    )

select
    property_key,
    bot,
    arm,
    {{ visit_windows()['window'][0] }} as begin_day,
    {{ visit_windows()['window'][1] }} as end_day,
    case
        when reason is null and treated_page_count >= {{ estimate_events }} then rate_ratio
    end as rate_ratio,
    case
        when reason is null and treated_page_count >= {{ estimate_events }} then standard_error
    end as standard_error,
    case when reason is null then exp(effect - half_width) end as interval_low,
    case when reason is null then exp(effect + half_width) end as interval_high,
    case when reason is null then exp(effect - half_width - wider) end as honest_low,
    case when reason is null then exp(effect + half_width + wider) end as honest_high,
    case when reason is null then placebo_ratio end as placebo_ratio,
    case when reason is null then placebo_p_value end as placebo_p_value,
    case when reason is null then exp(detectable) end as smallest_detectable_ratio,
    event_count,
    treated_page_count,
    page_count,
    base_visit_count,
    window_visit_count,
    dropped_events,
    case
        when reason is not null
        then 'not_enough_data'
        when treated_page_count < {{ estimate_events }}
        then 'exploratory'
        else 'estimate'
    end as status,
    reason
from judged_estimates
