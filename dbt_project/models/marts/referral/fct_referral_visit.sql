{%- set claims = {'kinds': ['visits', 'landings'], 'follows_pages': true, 'follows_lives': true} -%}
{%- set named = ['referrer_url', 'referrer_host', 'referrer_url_key'] -%}
{%- set told = ['property_key', 'witness', 'day', 'page_key', 'referrer_state', 'referrer_domain', 'landing_tag'] -%}
{%- set counted = ['landing_url', 'landing_url_key', 'visit_count', 'key_event_count', 'revenue', 'currency', 'is_export'] -%}
{#- Of the few days of a build PostgreSQL guesses one row, and a nested loop made what visits are joined with anew for each. -#}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        pre_hook='set local enable_mergejoin = off; set local enable_nestloop = off',
        indexes=[
            {'columns': ['property_key', 'page_key', 'day']},
            {'columns': ['property_key', 'link_key', 'day']},
            {'columns': ['day'], 'type': 'brin'},
        ],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    stated as (
        select visit.*, coalesce({{ page_as_of('visit', 'landing_url_key') }}, 0) as page_key
        from
            {{ ref('int_referral__share_landings') }}
            as visit {{ join_days('visit', claims=claims) }}
            {{ join_page_version('visit', 'landing_url_key', 'visit.day') }}
    ),

    -- Not of the step before, which would be written down to be read twice.
    bare as (
        select visit.*
        from
            {{ ref('int_referral__share_landings') }}
            as visit {{ join_days('visit', claims=claims) }}
        where visit.other_url_keys is not null
    ),

    told as ({{ resolved_visits('stated', 'bare', told + counted) }}),

    -- Streams and parts of logs, and URLs that lead to one page, together.
    visits as (
        select
            {%- for column in told + named %} {{ column }}, {%- endfor %}
            {{ key64(
                'referrer_state', "coalesce(referrer_url, '')", "coalesce(referrer_url_key::text, '')",
                "coalesce(landing_tag, '')"
            ) }}
            as referrer_key,
            min(landing_url) as landing_url,
            min(landing_url_key) as landing_url_key,
            bool_and(is_export) as is_export,
            sum(visit_count)::bigint as visit_count,
            sum(key_event_count) as key_event_count,
            sum(revenue) as revenue,
            min(currency) as currency
        from told
        group by {{ (told + named) | join(', ') }}
    ),

    referrers as (
        select property_key, referrer_url, referrer_host
        from visits
        where referrer_host is not null
        group by property_key, referrer_url, referrer_host
    ),

    listed as ({{ listed_referrers('referrers') }}),
    known as (
        select
            referrers.property_key,
            referrers.referrer_url,
            listed.class,
            listed.site,
            {{ is_host_of('referrers.referrer_host', 'properties.domain') }} as is_own
        from referrers
        inner join
            {{ ref('stg_ops__property') }} as properties
            on properties.property_key = referrers.property_key
        left join
            listed
            on listed.property_key = referrers.property_key
            and listed.referrer_url = referrers.referrer_url
    ),

    links as ({{ leading_links('referrers', 'claimed') }}),

    live_hosts as (
        select property_key, referrer_host, range_agg(days) as days
        from links
        group by property_key, referrer_host
    ),

    live_pages as (
        select property_key, referrer_host, source_page_key, range_agg(days) as days
        from links
        group by property_key, referrer_host, source_page_key
    ),

    exact_links as ({{ exact_links('visits', 'links') }}),
    counted_links as ({{ counted_links('links') }}),

    graded as (
        select
            visits.*,
            known.class as listed_class,
            known.site,
            known.is_own,
            live_hosts.days is not null as has_links,
            coalesce(counted.candidate_count, 0)::bigint as candidate_count,
            case
                when exact_links.link_key is not null
                then 'exact'
                when live_pages.days is not null
                then 'exact_page'
                when live_hosts.days is null or visits.referrer_url_key is not null
                then 'no_known_link'
                when visits.page_key = 0
                then 'no_landing'
                when counted.candidate_count = 1
                then 'sole'
                when counted.candidate_count > 1
                then 'ambiguous'
                else 'host_only'
            end as grade,
            exact_links.link_key as exact_link_key,
            counted.candidate_key,
            -- A server names pages that it served; who counts by mail may be told any.
            not visits.is_export
            and not {{ is_host_of(url_host('visits.landing_url'), 'properties.domain') }}
            as is_ghost
        from visits
        inner join
            {{ ref('stg_ops__property') }} as properties
            on properties.property_key = visits.property_key
        left join
            known
            on known.property_key = visits.property_key
            and known.referrer_url = visits.referrer_url
        left join
            live_hosts
            on live_hosts.property_key = visits.property_key
            and live_hosts.referrer_host = visits.referrer_host
            and live_hosts.days @> visits.day
        left join
            live_pages
            on live_pages.property_key = visits.property_key
            and live_pages.referrer_host = visits.referrer_host
            and live_pages.source_page_key = visits.referrer_url_key
            and live_pages.days @> visits.day
        left join
            exact_links
            on exact_links.property_key = visits.property_key
            and exact_links.day = visits.day
            and exact_links.referrer_host = visits.referrer_host
            and exact_links.referrer_url_key = visits.referrer_url_key
            and exact_links.page_key = visits.page_key
        left join
            counted_links as counted
            on counted.property_key = visits.property_key
            and counted.referrer_host = visits.referrer_host
            and counted.page_key = visits.page_key
            and counted.first_day <= visits.day
            and counted.next_day > visits.day
    ),

    classified as (select *, {{ class_of_referrer() }} as class from graded)

select
    property_key,
    witness,
    day,
    referrer_key,
    page_key,
    referrer_state,
    referrer_host,
    referrer_url,
    referrer_domain,
    referrer_url_key,
    landing_url,
    landing_tag,
    class,
    site,
    case when class in ('link', 'link_host', 'other_site') then grade end as grade,
    case
        when class = 'link'
        then exact_link_key
        when class = 'link_host' and grade = 'sole'
        then candidate_key::bigint
    end as link_key,
    case
        when class = 'link_host' and referrer_url_key is null then candidate_count
    end as candidate_count,
    visit_count,
    key_event_count,
    revenue,
    currency
from classified
