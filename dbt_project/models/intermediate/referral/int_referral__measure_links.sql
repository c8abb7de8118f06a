{#- Of sums of a few columns PostgreSQL guesses few rows, and merged links with visits by their property alone, each with each. -#}
{{ config(materialized='table', pre_hook='set local enable_mergejoin = off') }}

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

    seen as (
        select
            visit.property_key,
            visit.witness,
            visit.link_key,
            visit.day,
            visit.day - {{ counted_from('links.born_day') }} as age,
            visit.grade,
            visit.visit_count
        from {{ ref('fct_referral_visit') }} as visit
        inner join
            links on links.property_key = visit.property_key and links.link_key = visit.link_key
        left join
            odd_days
            on odd_days.property_key = visit.property_key
            and odd_days.witness = visit.witness
            and odd_days.day = visit.day
        where visit.link_key is not null and odd_days.day is null
    ),

    visits as (
        select
            property_key,
            witness,
            link_key,
            {%- for grade in ['exact', 'sole'] %}
                array[
                    {%- for age in visit_ages() %}
                        coalesce(
                            sum(visit_count) filter (
                                where
                                    grade = '{{ grade }}' and age >= {{ age[0] }}
                                    {%- if age[1] is not none %} and age < {{ age[1] }}{% endif %}
                            ),
                            0
                        )::bigint{{ ',' if not loop.last }}
                    {%- endfor %}
                ] as {{ grade }}_counts{{ ',' if not loop.last }}
            {%- endfor %}
        from seen
        group by property_key, witness, link_key
    ),

    weeks as (
        select
            property_key,
            witness,
            link_key,
            date_trunc('week', day) as week,
            sum(visit_count) as visit_count
        from seen
        where age >= 56
        group by property_key, witness, link_key, date_trunc('week', day)
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
    {{ days_by_age('links.days * witnessed.days', 'links.born_day') }} as day_counts,
    {{ days_by_age('links.alone_days * witnessed.days', 'links.born_day') }} as alone_day_counts,
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
