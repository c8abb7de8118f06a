{{ config(materialized='table') }}

with
    odd_days as (select * from {{ ref('int_referral__list_odd_days') }}),

    odd as (
        select property_key, witness, range_agg(daterange(day, day + 1)) as days
        from odd_days
        group by property_key, witness
    ),

    weeks_watched as (
        select property_key, witness, range_agg(days) as days
        from {{ ref('int_referral__list_weeks') }}
        group by property_key, witness
    ),

    -- Nothing is learned from days of which the witness did not tell all.
    witnessed as (
        select
            weeks_watched.property_key,
            weeks_watched.witness,
            weeks_watched.days as all_days,
            weeks_watched.days - coalesce(odd.days, '{}') as days
        from weeks_watched
        left join
            odd
            on odd.property_key = weeks_watched.property_key
            and odd.witness = weeks_watched.witness
    ),

    seen as (
        select
            visit.property_key,
            visit.witness,
            visit.link_key,
            visit.day,
            visit.grade,
            visit.visit_count
        from {{ ref('fct_referral_visit') }} as visit
        left join
            odd_days
            on odd_days.property_key = visit.property_key
            and odd_days.witness = visit.witness
            and odd_days.day = visit.day
        where visit.link_key is not null and odd_days.day is null
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
        from seen as visit
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
        from seen as visit
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
inner join
    witnessed on witnessed.property_key = links.property_key and witnessed.all_days && links.days
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
