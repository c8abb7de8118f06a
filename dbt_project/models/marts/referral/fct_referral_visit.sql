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

    told as ({{ resolved_visits('stated', told + counted) }}),

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

    listed as ({{ listed_referrers('visits') }}),

    sights as (
        select distinct
            property_key,
            day,
            referrer_host,
            {{ key64('referrer_host') }} as host_key,
            coalesce(referrer_url_key, 0) as source_page_key,
            page_key,
            landing_url_key
        from visits
        where referrer_host is not null
    ),

    candidates as (
        select
            sights.*,
            lives.link_key,
            lives.source_page_key = sights.source_page_key as is_of_page,
            {{ page_as_of('lives', 'target_url_key') }} = sights.page_key as is_to_page,
            lives.target_url_key = sights.landing_url_key as is_literal,
            coalesce(lives.referrer_policy, '') <> 'none' as is_let_through
        from sights
        inner join
            {{ ref('int_referral__list_lives') }} as lives
            on lives.property_key = sights.property_key
            and lives.source_host_key = sights.host_key
            and lives.live_days && daterange(sights.day - 1, sights.day + 1, '[]')
            {{ join_page_version('lives', 'target_url_key', 'sights.day') }}
    ),

    met as (
        select
            property_key,
            day,
            referrer_host,
            source_page_key,
            page_key,
            bool_or(is_of_page) as is_known_page,
            (
                array_agg(link_key order by is_literal desc, link_key) filter (
                    where is_of_page and is_to_page
                )
            )[1] as exact_link_key,
            count(distinct link_key) filter (
                where is_to_page and is_let_through
            ) as candidate_count,
            min(link_key) filter (where is_to_page and is_let_through) as candidate_key
        from candidates
        group by property_key, day, referrer_host, source_page_key, page_key
    ),

    graded as (
        select
            visits.*,
            listed.class as listed_class,
            listed.site,
            met.property_key is not null as has_links,
            met.candidate_count,
            case
                when met.exact_link_key is not null
                then 'exact'
                when met.is_known_page
                then 'exact_page'
                when met.property_key is null or visits.referrer_url_key is not null
                then 'no_known_link'
                when visits.page_key = 0
                then 'no_landing'
                when met.candidate_count = 1
                then 'sole'
                when met.candidate_count > 1
                then 'ambiguous'
                else 'host_only'
            end as grade,
            met.exact_link_key,
            met.candidate_key,
            {{ is_host_of('visits.referrer_host', 'properties.domain') }} as is_own,
            -- A server names pages that it served; who counts by mail may be told any.
            not visits.is_export
            and not {{ is_host_of(url_host('visits.landing_url'), 'properties.domain') }}
            as is_ghost
        from visits
        inner join
            {{ ref('stg_ops__property') }} as properties
            on properties.property_key = visits.property_key
        left join
            listed
            on listed.property_key = visits.property_key
            and listed.referrer_url = visits.referrer_url
        left join
            met
            on met.property_key = visits.property_key
            and met.day = visits.day
            and met.referrer_host = visits.referrer_host
            and met.source_page_key = coalesce(visits.referrer_url_key, 0)
            and met.page_key = visits.page_key
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
        then candidate_key
    end as link_key,
    case
        when class = 'link_host' and referrer_url_key is null then candidate_count
    end as candidate_count,
    visit_count,
    key_event_count,
    revenue,
    currency
from classified
