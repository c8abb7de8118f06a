{{ config(materialized='table', tags=['after_estimates']) }}

with
    days as (
        select property_key, witness, day, grade, sum(visit_count)::bigint as visit_count
        from {{ ref('fct_referral_visit') }}
        where grade is not null and grade <> 'ambiguous'
        group by property_key, witness, day, grade
    ),

    visits as (
        select
            days.property_key,
            days.witness,
            spans.span,
            days.grade as kind,
            sum(days.visit_count)::bigint as visit_count
        from days
        inner join
            {{ ref('int_referral__list_spans') }} as spans
            on spans.property_key = days.property_key
            and spans.witness = days.witness
            and days.day >= spans.first_day
        group by days.property_key, days.witness, spans.span, days.grade
    ),

    refused as (
        select property_key, witness, span, sum(visit_count)::bigint as visit_count
        from
            (
                select distinct property_key, witness, span, source_host_key, page_key, visit_count
                from {{ ref('int_referral__sum_refused') }}
            ) as groups
        group by property_key, witness, span
    ),

    judged as (
        select
            *,
            case
                when link_key = 0
                then 'missed_links'
                when {{ is_wide('visit_count', 'visit_low', 'visit_high') }}
                then 'ambiguous'
                else 'allocated'
            end as kind
        from {{ ref('stg_ops__referral_estimate') }}
    ),

    estimated as (
        select
            property_key,
            witness,
            span,
            kind,
            sum(visit_count) as visit_count,
            sum(visit_low) as visit_low,
            sum(visit_high) as visit_high
        from judged
        group by property_key, witness, span, kind
    ),

    odd as (
        select spans.property_key, spans.witness, spans.span, count(*)::integer as odd_day_count
        from {{ ref('int_referral__list_spans') }} as spans
        inner join
            {{ ref('int_referral__list_odd_days') }} as odd_days
            on odd_days.property_key = spans.property_key
            and odd_days.witness = spans.witness
            and odd_days.day between spans.first_day and spans.last_day
        group by spans.property_key, spans.witness, spans.span
    ),

    kinds as (
        select
            property_key,
            witness,
            span,
            kind,
            visit_count::double precision as visit_count,
            visit_count::double precision as visit_low,
            visit_count::double precision as visit_high
        from visits
        union all
        select
            property_key,
            witness,
            span,
            'refused' as kind,
            visit_count::double precision as visit_count,
            visit_count::double precision as visit_low,
            visit_count::double precision as visit_high
        from refused
        union all
        select property_key, witness, span, kind, visit_count, visit_low, visit_high
        from estimated
    )

select
    kinds.property_key,
    kinds.witness,
    kinds.span,
    kinds.kind,
    kinds.visit_count,
    kinds.visit_low,
    kinds.visit_high,
    coalesce(odd.odd_day_count, 0) as odd_day_count
from kinds
left join
    odd
    on odd.property_key = kinds.property_key
    and odd.witness = kinds.witness
    and odd.span = kinds.span
