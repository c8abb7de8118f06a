{%- set group = 'property_key, witness, source_host_key, page_key' -%}
{{ config(materialized='table', tags=['after_estimates']) }}

with
    sums as (
        select
            visit.property_key,
            visit.witness,
            visit.referrer_host,
            visit.page_key,
            spans.span,
            spans.first_day,
            spans.last_day,
            sum(visit.visit_count)::bigint as visit_count
        from {{ ref('fct_referral_visit') }} as visit
        inner join
            {{ ref('int_referral__list_spans') }} as spans
            on spans.property_key = visit.property_key
            and spans.witness = visit.witness
            and visit.day >= spans.first_day
        where visit.grade = 'ambiguous'
        group by
            visit.property_key,
            visit.witness,
            visit.referrer_host,
            visit.page_key,
            spans.span,
            spans.first_day,
            spans.last_day
    ),

    visits as (select *, {{ key64('referrer_host') }} as source_host_key from sums),

    estimates as (select distinct {{ group }}, span from {{ ref('stg_ops__referral_estimate') }}),

    refused as (
        select visits.*
        from visits
        left join estimates using ({{ group }}, span)
        where estimates.property_key is null
    )

select
    refused.property_key,
    refused.witness,
    refused.source_host_key,
    refused.page_key,
    links.link_key,
    refused.span,
    refused.visit_count,
    count(*) over (
        partition by
            refused.property_key,
            refused.witness,
            refused.source_host_key,
            refused.page_key,
            refused.span
    ) as candidate_count
from refused
inner join
    {{ ref('int_referral__list_candidates') }} as links
    on links.property_key = refused.property_key
    and links.source_host_key = refused.source_host_key
    and links.page_key = refused.page_key
    and links.shared_days && daterange(refused.first_day, refused.last_day, '[]')
