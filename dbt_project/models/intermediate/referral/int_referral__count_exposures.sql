{{ config(materialized='table') }}

with
    weeks as (select * from {{ ref('int_referral__list_weeks') }}),

    placed_days as (
        select
            weeks.property_key,
            weeks.witness,
            weeks.week,
            weeks.span_no,
            lower(part.days) + place.number as day
        from weeks
        cross join lateral unnest(weeks.days) as part(days)
        cross join
            lateral generate_series(0, upper(part.days) - lower(part.days) - 1) as place(number)
    ),

    counted as (
        select
            property_key,
            witness,
            {{ key64('referrer_host') }} as source_host_key,
            page_key,
            week,
            span_no,
            visit_count
        from
            (
                select
                    visit.property_key,
                    visit.witness,
                    visit.referrer_host,
                    visit.page_key,
                    placed_days.week,
                    placed_days.span_no,
                    sum(visit.visit_count)::bigint as visit_count
                from {{ ref('fct_referral_visit') }} as visit
                inner join
                    placed_days
                    on placed_days.property_key = visit.property_key
                    and placed_days.witness = visit.witness
                    and placed_days.day = visit.day
                where visit.grade = 'ambiguous'
                group by
                    visit.property_key,
                    visit.witness,
                    visit.referrer_host,
                    visit.page_key,
                    placed_days.week,
                    placed_days.span_no
            ) as sums
    ),

    -- Of a link on every page of a site nobody could tell which page sent whom.
    sizes as (
        select property_key, source_host_key, page_key, count(*) as candidate_count
        from {{ ref('int_referral__list_candidates') }}
        where shared_days <> '{}'
        group by property_key, source_host_key, page_key
    ),

    groups as (
        select distinct
            counted.property_key, counted.witness, counted.source_host_key, counted.page_key
        from counted
        inner join
            sizes
            on sizes.property_key = counted.property_key
            and sizes.source_host_key = counted.source_host_key
            and sizes.page_key = counted.page_key
        where sizes.candidate_count <= {{ var('most_referral_links') }}
    ),

    exposed as (
        select
            groups.property_key,
            groups.witness,
            groups.source_host_key,
            groups.page_key,
            candidates.link_key,
            weeks.week,
            weeks.span_no,
            {{ days_by_age('candidates.shared_days * weeks.days', 'candidates.born_day') }}
            as day_counts
        from groups
        inner join
            {{ ref('int_referral__list_candidates') }} as candidates
            on candidates.property_key = groups.property_key
            and candidates.source_host_key = groups.source_host_key
            and candidates.page_key = groups.page_key
        inner join
            weeks
            on weeks.property_key = groups.property_key
            and weeks.witness = groups.witness
            and weeks.days && candidates.shared_days
    )

select
    exposed.property_key,
    exposed.witness,
    exposed.source_host_key,
    exposed.page_key,
    exposed.link_key,
    exposed.week,
    exposed.span_no,
    exposed.day_counts,
    coalesce(counted.visit_count, 0) as visit_count
from exposed
left join
    counted
    on counted.property_key = exposed.property_key
    and counted.witness = exposed.witness
    and counted.source_host_key = exposed.source_host_key
    and counted.page_key = exposed.page_key
    and counted.week = exposed.week
    and counted.span_no = exposed.span_no
