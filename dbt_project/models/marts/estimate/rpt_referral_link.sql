{%- set link = 'property_key, witness, link_key, span' -%}
{{ config(materialized='table', tags=['after_estimates']) }}

with
    spans as (select * from {{ ref('int_referral__list_spans') }}),

    counted as (
        select
            visit.property_key,
            visit.witness,
            visit.link_key,
            spans.span,
            coalesce(sum(visit.visit_count) filter (where visit.grade = 'exact'), 0)::bigint
            as exact_count,
            coalesce(sum(visit.visit_count) filter (where visit.grade = 'sole'), 0)::bigint
            as sole_count
        from {{ ref('fct_referral_visit') }} as visit
        inner join
            spans
            on spans.property_key = visit.property_key
            and spans.witness = visit.witness
            and visit.day >= spans.first_day
        where visit.link_key is not null
        group by visit.property_key, visit.witness, visit.link_key, spans.span
    ),

    -- Of a link that is in several groups the ends add up: its interval is rather too wide.
    estimated as (
        select
            {{ link }},
            sum(visit_count) as visit_count,
            sum(visit_low) as visit_low,
            sum(visit_high) as visit_high,
            sum(set_visit_count)::bigint as set_visit_count,
            max(candidate_count) as candidate_count,
            max(own_weight) as own_weight,
            bool_or(is_pooled_prior) as is_pooled_prior
        from {{ ref('stg_ops__referral_estimate') }}
        where link_key <> 0
        group by {{ link }}
    ),

    refused as (
        select
            {{ link }},
            sum(visit_count)::bigint as visit_count,
            max(candidate_count) as candidate_count,
            bool_or(visit_count >= {{ var('least_referral_visits') }}) as is_of_many
        from {{ ref('int_referral__sum_refused') }}
        group by {{ link }}
    ),

    outcomes as (select * from {{ ref('int_referral__sum_outcomes') }}),

    lives as (
        select
            property_key,
            link_key,
            min(referrer_policy) as referrer_policy,
            min(born_day) as born_day,
            range_agg(days) as days
        from {{ ref('int_referral__list_candidates') }}
        group by property_key, link_key
    ),

    lived as (
        select
            lives.property_key,
            spans.witness,
            lives.link_key,
            spans.span,
            spans.first_day,
            spans.last_day,
            lives.referrer_policy,
            lives.born_day
        from lives
        inner join
            spans
            on spans.property_key = lives.property_key
            and lives.days && daterange(spans.first_day, spans.last_day, '[]')
    ),

    joined as (
        select
            lived.*,
            coalesce(counted.exact_count, 0) as exact_count,
            coalesce(counted.sole_count, 0) as sole_count,
            estimated.visit_count as estimated_count,
            coalesce(counted.exact_count + counted.sole_count, 0) as counted_count,
            coalesce(estimated.visit_low, 0) as estimated_low,
            coalesce(estimated.visit_high, 0) as estimated_high,
            coalesce(refused.visit_count, 0) as refused_count,
            refused.is_of_many,
            nullif(
                coalesce(estimated.set_visit_count, 0) + coalesce(refused.visit_count, 0), 0
            ) as set_visit_count,
            greatest(estimated.candidate_count, refused.candidate_count)::integer
            as candidate_count,
            estimated.own_weight,
            estimated.is_pooled_prior,
            outcomes.key_event_count,
            outcomes.revenue,
            outcomes.currency,
            outcomes.money
        from lived
        left join counted using ({{ link }})
        left join estimated using ({{ link }})
        left join refused using ({{ link }})
        left join outcomes using ({{ link }})
    ),

    valued as (
        select
            *,
            counted_count + coalesce(estimated_count, 0) as visit_count,
            counted_count + estimated_low as visit_low,
            counted_count + estimated_high + refused_count as visit_high
        from joined
    ),

    judged as (
        select
            *,
            case
                when counted_count = 0 and set_visit_count is null
                then
                    case
                        when referrer_policy = 'none'
                        then 'unmeasurable'
                        when referrer_policy is null
                        then 'unchecked'
                    end
                when counted_count = 0 and estimated_count is null
                then case when is_of_many then 'too_many_links' else 'too_few_visits' end
            end as reason,
            {{ is_wide('visit_count', 'visit_low', 'visit_high') }} as is_wide
        from valued
    )

select
    property_key,
    witness,
    link_key,
    span,
    first_day,
    last_day,
    case
        when reason in ('unmeasurable', 'unchecked')
        then 'unknown'
        when reason is not null or is_wide
        then 'ambiguous'
        when estimated_count is not null
        then 'allocated'
        else 'counted'
    end as status,
    reason,
    case when reason is null and not is_wide then visit_count end as visit_count,
    case when reason in ('unmeasurable', 'unchecked') then null else visit_low end as visit_low,
    case when reason in ('unmeasurable', 'unchecked') then null else visit_high end as visit_high,
    exact_count,
    sole_count,
    estimated_count as allocated_count,
    set_visit_count,
    candidate_count,
    own_weight,
    is_pooled_prior,
    referrer_policy,
    last_day - born_day as age_days,
    {%- for outcome in ['key_event_count', 'revenue', 'currency', 'money'] %}
        case
            when reason is null and not is_wide then {{ outcome }}
        end as {{ outcome }}{{ ',' if not loop.last }}
    {%- endfor %}
from judged
