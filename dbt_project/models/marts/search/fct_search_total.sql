{%- set claims = {'kinds': ['searches', 'page_searches', 'query_searches', 'search_totals']} -%}
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
        where {{ is_of_kind('publication', claims['kinds'], is_export=false) }}
    ),

    read_days as (
        select
            property_key,
            day,
            bool_or({{ is_of_kind('publications', ['search_totals']) }}) as has_property_total,
            bool_or({{ is_of_kind('publications', ['page_searches']) }}) as has_page_total,
            bool_or({{ is_of_kind('publications', ['query_searches']) }}) as has_performance,
            min({{ origin_of('publications') }}) filter (
                where {{ is_of_kind('publications', ['search_totals']) }}
            ) as origin,
            bool_or(is_provisional) as is_provisional,
            bool_or(is_capped) as is_capped
        from publications
        group by property_key, day
    ),

    exported_totals as (
        select distinct on (total.property_key, total.day) total.*
        from {{ ref('int_search__read_totals') }} as total {{ join_days('total', claims=claims) }}
        where total.is_export
        order by total.property_key, total.day, total.observed_at desc, total.origin
    ),

    property_totals as (
        select
            total.property_key,
            total.day,
            total.clicks,
            total.impressions,
            total.position * total.impressions as position_sum
        from {{ ref('int_search__read_totals') }} as total {{ join_days('total', claims=claims) }}
        where not total.is_export
    ),

    page_totals as (
        select
            total.property_key,
            total.day,
            sum(total.clicks)::bigint as clicks,
            sum(total.impressions)::bigint as impressions
        from {{ ref('fct_search_page') }} as total {{ join_days('total', claims=claims) }}
        group by total.property_key, total.day
    ),

    query_totals as (
        select
            performance.property_key,
            performance.day,
            sum(performance.clicks)::bigint as clicks,
            sum(performance.impressions)::bigint as impressions
        from
            {{ ref('fct_search_performance') }}
            as performance {{ join_days('performance', claims=claims) }}
        group by performance.property_key, performance.day
    ),

    -- A published day without a row is a day of zeros; an unpublished one is known only as far as
    -- an export goes.
    days as (
        select
            claimed.property_key,
            claimed.day,
            coalesce(read_days.has_property_total, false) as has_property_total,
            coalesce(read_days.has_page_total, false)
            or page_totals.day is not null as has_page_total,
            coalesce(read_days.has_performance, false)
            or query_totals.day is not null as has_performance,
            read_days.origin,
            read_days.is_provisional,
            read_days.is_capped
        from claimed
        left join
            read_days
            on read_days.property_key = claimed.property_key
            and read_days.day = claimed.day
        left join
            page_totals
            on page_totals.property_key = claimed.property_key
            and page_totals.day = claimed.day
        left join
            query_totals
            on query_totals.property_key = claimed.property_key
            and query_totals.day = claimed.day
    ),

    joined as (
        select
            days.property_key,
            days.day,
            case
                when days.has_property_total
                then coalesce(property_totals.clicks, 0)
                else exported_totals.clicks
            end as clicks,
            case
                when days.has_property_total
                then coalesce(property_totals.impressions, 0)
                else exported_totals.impressions
            end as impressions,
            case
                when days.has_property_total
                then coalesce(property_totals.position_sum, 0)
                else exported_totals.position * exported_totals.impressions
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
            case
                when days.has_property_total then days.origin else exported_totals.origin
            end as origin,
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
        left join
            exported_totals
            on exported_totals.property_key = days.property_key
            and exported_totals.day = days.day
        where
            days.has_property_total
            or days.has_page_total
            or days.has_performance
            or exported_totals.day is not null
    )

select
    property_key,
    day,
    origin,
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
