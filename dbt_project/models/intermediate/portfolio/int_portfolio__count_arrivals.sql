{{ config(materialized='table') }}

with
    looks as ({{ link_looks() }}),

    -- Whole ones, from Monday on: of what came before anybody looked only a part is left to be
    -- seen.
    weeks as (
        select
            property_key,
            generate_series(
                date_trunc('week', (first_day + 6)::timestamp),
                date_trunc('week', (last_day - 6)::timestamp),
                interval '1 week'
            )::date as week
        from looks
    ),

    arrivals as (
        select property_key, link_key, date_trunc('week', event_date::timestamp)::date as week
        from {{ ref('fct_link_event') }}
        where event_type = 'acquired' and is_first_from_domain and not is_uncertain_date
    )

select
    weeks.property_key,
    weeks.week,
    count(arrivals.link_key) as domain_count,
    coalesce(
        (
            array_agg(arrivals.link_key order by arrivals.link_key) filter (
                where arrivals.link_key is not null
            )
        )[1:{{ var('flagged_links') }}],
        '{}'
    ) as link_keys
from weeks
left join arrivals on arrivals.property_key = weeks.property_key and arrivals.week = weeks.week
group by weeks.property_key, weeks.week
