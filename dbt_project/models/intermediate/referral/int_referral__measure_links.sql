{{ config(materialized='table') }}

with
    witnessed as (
        select property_key, witness, range_agg(days) as days
        from {{ ref('int_referral__list_weeks') }}
        group by property_key, witness
    ),

    links as (
        select
            property_key,
            link_key,
            min(referrer_policy) as referrer_policy,
            min(place) as place,
            min(born_day) as born_day,
            range_agg(days) as days,
            range_agg(alone_days) as alone_days
        from {{ ref('int_referral__list_candidates') }}
        group by property_key, link_key
    ),

    visits as (
        select
            visit.property_key,
            visit.witness,
            visit.link_key,
            {%- for grade in ['exact', 'sole'] %}
                array[
                    {%- for age in visit_ages() %}
                        coalesce(
                            sum(visit.visit_count) filter (
                                where
                                    visit.grade = '{{ grade }}'
                                    and visit.day <@ {{ days_of_age(age, 'links.born_day') }}
                            ),
                            0
                        )::bigint{{ ',' if not loop.last }}
                    {%- endfor %}
                ] as {{ grade }}_counts{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('fct_referral_visit') }} as visit
        inner join
            links on links.property_key = visit.property_key and links.link_key = visit.link_key
        group by visit.property_key, visit.witness, visit.link_key
    ),

    weeks as (
        select
            visit.property_key,
            visit.witness,
            visit.link_key,
            date_trunc('week', visit.day) as week,
            sum(visit.visit_count) as visit_count
        from {{ ref('fct_referral_visit') }} as visit
        inner join
            links on links.property_key = visit.property_key and links.link_key = visit.link_key
        where visit.day >= coalesce(links.born_day, '-infinity') + 56
        group by visit.property_key, visit.witness, visit.link_key, date_trunc('week', visit.day)
    ),

    pairs as (
        select
            property_key,
            witness,
            link_key,
            sum(visit_count * (visit_count - 1))::double precision as week_pair_count
        from weeks
        group by property_key, witness, link_key
    )

select
    links.property_key,
    witnessed.witness,
    links.link_key,
    links.referrer_policy,
    links.place,
    {%- for days in ['days', 'alone_days'] %}
        array[
            {%- for age in visit_ages() %}
                {{ day_count(
                    'links.' ~ days ~ ' * witnessed.days * datemultirange(' ~ days_of_age(age, 'links.born_day') ~ ')'
                ) }}{{ ',' if not loop.last }}
            {%- endfor %}
        ] as {{ 'day_counts' if days == 'days' else 'alone_day_counts' }},
    {%- endfor %}
    coalesce(visits.exact_counts, '{0,0,0,0,0,0}') as exact_counts,
    coalesce(visits.sole_counts, '{0,0,0,0,0,0}') as sole_counts,
    coalesce(pairs.week_pair_count, 0) as week_pair_count
from links
inner join witnessed on witnessed.property_key = links.property_key and witnessed.days && links.days
left join
    visits
    on visits.property_key = witnessed.property_key
    and visits.witness = witnessed.witness
    and visits.link_key = links.link_key
left join
    pairs
    on pairs.property_key = witnessed.property_key
    and pairs.witness = witnessed.witness
    and pairs.link_key = links.link_key
