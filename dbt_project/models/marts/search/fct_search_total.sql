{%- set claims = {'source': 'search_console', 'tables': ['performance', 'property_total', 'page_total']} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    publications as (
        select publication.*
        from
            {{ ref('stg_ops__publication') }}
            as publication {{ join_days('publication', claims=claims) }}
        where publication.source = 'search_console'
    ),

    -- A published day of which Search Console has no row is a day of zeros; an unpublished one is
    -- unknown.
    days as (
        select
            property_key,
            day,
            bool_or(table_name = 'property_total') as has_property_total,
            bool_or(table_name = 'page_total') as has_page_total,
            bool_or(table_name = 'performance') as has_performance,
            bool_or(is_provisional) as is_provisional,
            bool_or(is_capped) as is_capped
        from publications
        group by property_key, day
    ),

    property_totals as (
        select
            total.property_key,
            total.day,
            total.clicks,
            total.impressions,
            total.position * total.impressions as position_sum
        from
            {{ ref('stg_search_console__property_total') }}
            as total {{ join_days('total', claims=claims) }}
    ),

    page_totals as (
        select
            total.property_key,
            total.day,
            sum(total.clicks)::bigint as clicks,
            sum(total.impressions)::bigint as impressions
        from
            {{ ref('stg_search_console__page_total') }}
            as total {{ join_days('total', claims=claims) }}
        group by total.property_key, total.day
    ),

    query_totals as (
        select
            performance.property_key,
            performance.day,
            sum(performance.clicks)::bigint as clicks,
            sum(performance.impressions)::bigint as impressions
        from
            {{ ref('stg_search_console__performance') }} as performance
            {{ join_days('performance', claims=claims) }}
        group by performance.property_key, performance.day
    ),

    joined as (
        select
            days.property_key,
            days.day,
            case
                when days.has_property_total then coalesce(property_totals.clicks, 0)
            end as clicks,
            case
                when days.has_property_total then coalesce(property_totals.impressions, 0)
            end as impressions,
            case
                when days.has_property_total then coalesce(property_totals.position_sum, 0)
            end as position_sum,
            case when days.has_page_total then coalesce(page_totals.clicks, 0) end as page_clicks,
            case
                when days.has_page_total then coalesce(page_totals.impressions, 0)
            end as page_impressions,
            case
                when days.has_performance then coalesce(query_totals.clicks, 0)
            end as query_clicks,
            case
                when days.has_performance then coalesce(query_totals.impressions, 0)
            end as query_impressions,
            days.is_capped,
            days.is_provisional
        from days
        left join
            property_totals
            on property_totals.property_key = days.property_key
            and property_totals.day = days.day
        left join
            page_totals
            on page_totals.property_key = days.property_key
            and page_totals.day = days.day
        left join
            query_totals
            on query_totals.property_key = days.property_key
            and query_totals.day = days.day
    )

select
    property_key,
    day,
    clicks,
    impressions,
    position_sum::numeric(38, 12) as position_sum,
    case
        when impressions > 0
        then (position_sum / impressions)::double precision
        when impressions = 0
        then 0
    end as position,
    page_clicks,
    page_impressions,
    query_clicks,
    query_impressions,
    -- Beyond the row cap queries are missing that are not anonymous: then the share is not known.
    case
        when not is_capped and page_clicks > 0
        then greatest(1 - query_clicks::double precision / page_clicks, 0)
    end as anonymised_click_share,
    case
        when not is_capped and page_impressions > 0
        then greatest(1 - query_impressions::double precision / page_impressions, 0)
    end as anonymised_impression_share,
    is_capped,
    is_provisional
from joined
