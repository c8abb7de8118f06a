{%- set group = 'property_key, source_host_key, page_key' -%}
{{ config(materialized='table', indexes=[{'columns': ['property_key', 'source_host_key', 'page_key']}]) }}

with
    lives as (select * from {{ ref('int_referral__list_lives') }}),

    -- A link counts on the day before it came and on the day after it went.
    counting as (
        select
            lives.property_key,
            lives.link_key,
            lives.source_host_key,
            lives.target_url_key,
            min(lives.referrer_policy) as referrer_policy,
            nullif(min(lower(stay.days)), '-infinity') as born_day,
            range_agg(daterange(lower(stay.days) - 1, upper(stay.days) + 1)) as days
        from lives
        cross join lateral unnest(lives.live_days) as stay(days)
        group by lives.property_key, lives.link_key, lives.source_host_key, lives.target_url_key
    ),

    candidates as (
        select
            counting.property_key,
            counting.source_host_key,
            {{ page_as_of('counting', 'target_url_key') }} as page_key,
            counting.link_key,
            counting.referrer_policy,
            counting.born_day,
            range_agg(
                counting.days * datemultirange(coalesce(version.days, daterange(null, null)))
            ) as days
        from counting
        left join
            ({{ leading_urls() }}) as version
            on version.property_key = counting.property_key
            and version.url_key = counting.target_url_key
            and version.days && counting.days
        group by
            counting.property_key,
            counting.source_host_key,
            {{ page_as_of('counting', 'target_url_key') }},
            counting.link_key,
            counting.referrer_policy,
            counting.born_day
    ),

    edges as (
        select {{ group }}, edge.day, edge.step
        from candidates
        cross join lateral unnest(candidates.days) as stay(days)
        cross join lateral(values (lower(stay.days), 1), (upper(stay.days), -1)) as edge(day, step)
        where coalesce(candidates.referrer_policy, '') <> 'none'
    ),

    counted as (
        select
            {{ group }},
            day,
            sum(sum(step)) over days_of_group as candidate_count,
            lead(day) over days_of_group as next_day
        from edges
        group by {{ group }}, day
        window days_of_group as (partition by {{ group }} order by day)
    ),

    crowds as (
        select {{ group }}, range_agg(daterange(day, next_day)) as days
        from counted
        where candidate_count > 1
        group by {{ group }}
    ),

    places as (
        select distinct on (property_key, link_key) property_key, link_key, place
        from {{ ref('fct_link_check') }}
        where presence = 'present'
        order by property_key, link_key, checked_at desc
    )

select
    candidates.property_key,
    candidates.source_host_key,
    candidates.page_key,
    candidates.link_key,
    candidates.referrer_policy,
    places.place,
    candidates.born_day,
    candidates.days,
    case
        when coalesce(candidates.referrer_policy, '') = 'none'
        then '{}'
        else candidates.days * coalesce(crowds.days, '{}')
    end as shared_days,
    case
        when coalesce(candidates.referrer_policy, '') = 'none'
        then '{}'
        else candidates.days - coalesce(crowds.days, '{}')
    end as alone_days
from candidates
left join
    crowds
    on crowds.property_key = candidates.property_key
    and crowds.source_host_key = candidates.source_host_key
    and crowds.page_key = candidates.page_key
left join
    places
    on places.property_key = candidates.property_key
    and places.link_key = candidates.link_key
