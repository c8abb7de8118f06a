{{ config(materialized='table', tags=['after_estimates']) }}

{#- Visits of two witnesses are never added up: of a property the one that has counted longest tells. -#}
with
    pairs as ({{ cut_pairs() }}),

    witnesses as (
        select distinct on (property_key) property_key, witness, span
        from {{ ref('int_referral__list_spans') }}
        where span = 'life'
        order by property_key, last_day - first_day desc, witness
    ),

    links as (
        select
            placements.property_key,
            placements.partner_key,
            placements.campaign_key,
            witnesses.witness,
            brought.exact_count
            + brought.sole_count
            + coalesce(brought.allocated_count, 0) as visit_count,
            brought.visit_low,
            brought.visit_high
        from {{ ref('fct_placement') }} as placements
        inner join witnesses on witnesses.property_key = placements.property_key
        left join
            {{ ref('rpt_referral_link') }} as brought
            on brought.property_key = witnesses.property_key
            and brought.witness = witnesses.witness
            and brought.span = witnesses.span
            and brought.link_key = placements.link_key
        where placements.verified_date is not null
    ),

    summed as (
        select
            pairs.property_key,
            pairs.cut,
            pairs.level,
            pairs.span,
            links.witness,
            sum(links.visit_count) filter (where links.visit_low is not null) as visit_count,
            sum(links.visit_low) as visit_low,
            sum(links.visit_high) as visit_high,
            count(*) filter (where links.visit_low is null)::integer as unseen_link_count
        from links
        inner join
            pairs
            on pairs.property_key = links.property_key
            and pairs.partner_key = links.partner_key
            and pairs.campaign_key = links.campaign_key
        group by pairs.property_key, pairs.cut, pairs.level, pairs.span, links.witness
    )

select
    summed.property_key,
    summed.cut,
    returns.level_key,
    summed.span,
    summed.level,
    summed.witness,
    {{ nine_places('summed.visit_count') }} as visit_count,
    {{ nine_places('summed.visit_low') }} as visit_low,
    {{ nine_places('summed.visit_high') }} as visit_high,
    summed.unseen_link_count,
    case
        when returns.status = 'ok' and summed.unseen_link_count = 0 and summed.visit_low > 0
        then {{ nine_places('returns.money / summed.visit_count') }}
    end as money_per_visit
from summed
inner join
    {{ ref('rpt_outreach_return') }} as returns
    on returns.property_key = summed.property_key
    and returns.cut = summed.cut
    and returns.level = summed.level
    and returns.span = summed.span
