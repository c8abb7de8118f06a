{%- set link = 'property_key, witness, link_key, span' -%}
{%- set group = 'property_key, witness, source_host_key, page_key, span' -%}
{{ config(materialized='table', tags=['after_estimates']) }}

with
    visits as (
        select
            visit.property_key,
            visit.witness,
            visit.link_key,
            visit.grade,
            {{ key64('visit.referrer_host') }} as source_host_key,
            visit.page_key,
            spans.span,
            visit.key_event_count,
            visit.revenue,
            visit.currency,
            visit.revenue * rate.dollars as money
        from {{ ref('fct_referral_visit') }} as visit
        inner join
            {{ ref('int_referral__list_spans') }} as spans
            on spans.property_key = visit.property_key
            and spans.witness = visit.witness
            and visit.day >= spans.first_day
            {{ join_rate('visit', 'visit.day') }}
        where visit.key_event_count is not null and visit.grade in ('exact', 'sole', 'ambiguous')
    ),

    groups as (
        select
            {{ group }},
            sum(key_event_count) as key_event_count,
            sum(revenue) as revenue,
            min(currency) as currency,
            sum(money) as money
        from visits
        where grade = 'ambiguous'
        group by {{ group }}
    ),

    -- They follow the visits: of what a group brought a link has the share that it has of its
    -- visits.
    shares as (
        select
            estimate.property_key,
            estimate.witness,
            estimate.link_key,
            estimate.span,
            groups.key_event_count
            * estimate.visit_count
            / estimate.set_visit_count as key_event_count,
            groups.revenue * estimate.visit_count / estimate.set_visit_count as revenue,
            groups.currency,
            groups.money * estimate.visit_count / estimate.set_visit_count as money
        from {{ ref('stg_ops__referral_estimate') }} as estimate
        inner join
            groups
            on groups.property_key = estimate.property_key
            and groups.witness = estimate.witness
            and groups.source_host_key = estimate.source_host_key
            and groups.page_key = estimate.page_key
            and groups.span = estimate.span
        where estimate.link_key <> 0
    ),

    told as (
        select {{ link }}, key_event_count, revenue, currency, money
        from visits
        where link_key is not null
        union all
        select {{ link }}, key_event_count, revenue, currency, money
        from shares
    )

select
    {{ link }},
    sum(key_event_count) as key_event_count,
    sum(revenue) as revenue,
    min(currency) as currency,
    -- Of a currency without a rate nobody knows the dollars.
    case when count(revenue) = count(money) then sum(money) end as money
from told
group by {{ link }}
