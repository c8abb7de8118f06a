-- What links brought and what is left of the visits from other sites add up to these: shares are
-- means, and what one link is given another has not.
{{ config(tags=['after_estimates']) }}

with
    counted as (
        select
            visit.property_key,
            visit.witness,
            spans.span,
            sum(visit.visit_count) as visit_count,
            coalesce(
                sum(visit.visit_count) filter (where visit.link_key is not null), 0
            ) as own_count
        from {{ ref('fct_referral_visit') }} as visit
        inner join
            {{ ref('int_referral__list_spans') }} as spans
            on spans.property_key = visit.property_key
            and spans.witness = visit.witness
            and visit.day >= spans.first_day
        where visit.grade is not null
        group by visit.property_key, visit.witness, spans.span
    ),

    balance as (
        select
            property_key,
            witness,
            span,
            sum(visit_count) as visit_count,
            coalesce(
                sum(visit_count) filter (where kind in ('allocated', 'ambiguous')), 0
            ) as shared_count
        from {{ ref('rpt_referral_balance') }}
        group by property_key, witness, span
    ),

    links as (
        select
            property_key,
            witness,
            span,
            sum(exact_count + sole_count) as own_count,
            coalesce(sum(allocated_count), 0) as shared_count
        from {{ ref('rpt_referral_link') }}
        group by property_key, witness, span
    )

select *
from counted
full join balance using (property_key, witness, span)
full join links using (property_key, witness, span)
where
    abs(coalesce(counted.visit_count, 0) - coalesce(balance.visit_count, 0))
    > 1e-9 * coalesce(counted.visit_count, 0)
    or coalesce(counted.own_count, 0) <> coalesce(links.own_count, 0)
    or abs(coalesce(balance.shared_count, 0) - coalesce(links.shared_count, 0))
    > 1e-9 * coalesce(balance.shared_count, 0)
