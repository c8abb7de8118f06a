{{ config(materialized='table') }}

with
    visits as (
        select
            property_key,
            witness,
            day,
            {{ key64('referrer_host') }} as source_host_key,
            page_key,
            visit_count
        from {{ ref('fct_referral_visit') }}
        where grade = 'ambiguous'
    ),

    -- Of a link on every page of a site nobody could tell which page sent whom.
    sizes as (
        select property_key, source_host_key, page_key, count(*) as candidate_count
        from {{ ref('int_referral__list_candidates') }}
        where shared_days <> '{}'
        group by property_key, source_host_key, page_key
    ),

    groups as (
        select distinct visits.property_key, visits.witness, visits.source_host_key, visits.page_key
        from visits
        inner join
            sizes
            on sizes.property_key = visits.property_key
            and sizes.source_host_key = visits.source_host_key
            and sizes.page_key = visits.page_key
        where sizes.candidate_count <= {{ var('most_referral_links') }}
    ),

    weeks as (select * from {{ ref('int_referral__list_weeks') }}),

    counted as (
        select
            visits.property_key,
            visits.witness,
            visits.source_host_key,
            visits.page_key,
            weeks.week,
            weeks.span_no,
            sum(visits.visit_count)::bigint as visit_count
        from visits
        inner join
            weeks
            on weeks.property_key = visits.property_key
            and weeks.witness = visits.witness
            and weeks.week = date_trunc('week', visits.day)::date
            and weeks.days @> visits.day
        group by
            visits.property_key,
            visits.witness,
            visits.source_host_key,
            visits.page_key,
            weeks.week,
            weeks.span_no
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
            {%- for age in visit_ages() %}
                {{ day_count(
                    'candidates.shared_days * weeks.days * datemultirange(' ~ days_of_age(age, 'candidates.born_day') ~ ')'
                ) }}
                as age_{{ loop.index }}_days{{ ',' if not loop.last }}
            {%- endfor %}
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
    array[
        {%- for age in visit_ages() -%}
            exposed.age_{{ loop.index }}_days{{ ', ' if not loop.last }}
        {%- endfor -%}
    ] as day_counts,
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
