{{ config(materialized='table') }}

with
    beliefs as (select * from {{ ref('int_link__list_beliefs') }}),

    months as (
        select
            property_key,
            month::date as month,
            least((month + interval '1 month - 1 day')::date, last_day) as day
        from
            (
                select property_key, min(day) as first_day, max(day) as last_day
                from {{ ref('int_link__judge_looks') }}
                group by property_key
            ) as looked,
            generate_series(
                date_trunc('month', first_day::timestamp), last_day::timestamp, interval '1 month'
            ) as month
    ),

    -- A night on which any spelling was met is one that met the link.
    visits as (
        select
            groups.property_key,
            groups.link_group_key,
            groups.linking_key,
            checks.day,
            bool_or(checks.presence = 'present') as is_met,
            bool_or(checks.presence = 'present' and not checks.is_expected) as is_met_beside,
            bool_and(checks.due_reason in ('new', 'schedule')) as is_by_turn
        from {{ ref('fct_link_check') }} as checks
        inner join
            {{ ref('int_link__group_links') }} as groups
            on groups.property_key = checks.property_key
            and groups.link_key = checks.link_key
        where checks.is_asked and checks.presence <> 'unknown'
        group by groups.property_key, groups.link_group_key, groups.linking_key, checks.day
    ),

    -- The last visit of a month stands above whatever witnesses say.
    checked as (
        select
            property_key,
            link_group_key,
            date_trunc('month', day::timestamp)::date as month,
            (array_agg(is_met order by day desc))[1] as is_met,
            bool_or(is_met_beside) as is_met_beside
        from visits
        group by property_key, link_group_key, date_trunc('month', day::timestamp)
    ),

    living as (
        select
            months.property_key,
            months.month,
            beliefs.linking_key,
            beliefs.link_group_key,
            array_agg(distinct beliefs.witness) as witnesses,
            coalesce(bool_or(checked.is_met_beside), false) as is_met_beside
        from months
        inner join
            beliefs
            on beliefs.property_key = months.property_key
            and beliefs.begin_day <= months.day
            and beliefs.end_day > months.day
        left join
            checked
            on checked.property_key = months.property_key
            and checked.month = months.month
            and checked.link_group_key = beliefs.link_group_key
        where checked.is_met is not false
        group by months.property_key, months.month, beliefs.linking_key, beliefs.link_group_key
    ),

    witnesses as (
        select distinct living.property_key, living.month, told.witness
        from living
        cross join unnest(living.witnesses) as told(witness)
    ),

    coverage as (
        select
            living.property_key,
            living.month,
            witnesses.witness,
            living.linking_key,
            count(*) as asked_count,
            count(*) filter (where witnesses.witness = any(living.witnesses)) as found_count
        from living
        inner join
            witnesses
            on witnesses.property_key = living.property_key
            and witnesses.month = living.month
        -- What it alone tells of is in no denominator of its own: there a visit went by its word,
        -- but to a page that was visited for another link.
        where living.is_met_beside or living.witnesses <> array[witnesses.witness]
        group by living.property_key, living.month, witnesses.witness, living.linking_key
    ),

    met as (
        select distinct
            on (
                visits.property_key,
                beliefs.witness,
                visits.link_group_key,
                date_trunc('month', visits.day::timestamp)
            )
            visits.*,
            beliefs.witness
        from visits
        inner join
            beliefs
            on beliefs.property_key = visits.property_key
            and beliefs.link_group_key = visits.link_group_key
            and beliefs.begin_day <= visits.day
            and beliefs.end_day > visits.day
        where visits.is_by_turn
        order by
            visits.property_key,
            beliefs.witness,
            visits.link_group_key,
            date_trunc('month', visits.day::timestamp),
            visits.day
    ),

    claims as (
        select distinct
            on (spans.property_key, spans.witness, spans.link_key, spans.span_no)
            spans.property_key,
            spans.witness,
            spans.claim_day,
            visits.linking_key,
            visits.is_met
        from {{ ref('int_link__find_spans') }} as spans
        inner join
            {{ ref('int_link__group_links') }} as groups
            on groups.property_key = spans.property_key
            and groups.link_key = spans.link_key
        inner join
            visits
            on visits.property_key = groups.property_key
            and visits.link_group_key = groups.link_group_key
            and visits.day > spans.claimed_lost_date
            and visits.day <= spans.claim_day + 14
        order by spans.property_key, spans.witness, spans.link_key, spans.span_no, visits.day
    )

select property_key, witness, month, 'coverage' as measure, linking_key, asked_count, found_count
from coverage
union all
select
    property_key,
    witness,
    date_trunc('month', day::timestamp)::date,
    'precision',
    linking_key,
    count(*),
    count(*) filter (where is_met)
from met
group by property_key, witness, date_trunc('month', day::timestamp), linking_key
union all
select
    property_key,
    witness,
    date_trunc('month', claim_day::timestamp)::date,
    'false_loss',
    linking_key,
    count(*),
    count(*) filter (where is_met)
from claims
group by property_key, witness, date_trunc('month', claim_day::timestamp), linking_key
