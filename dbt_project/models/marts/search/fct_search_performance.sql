{%- set claims = {'kinds': ['searches', 'query_searches'], 'follows_pages': true} -%}
{%- set columns = [
    'property_key', 'day', 'page_key', 'query_key', 'query', 'country', 'device', 'clicks', 'impressions', 'position',
] %}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[{'columns': ['property_key', 'page_key', 'day']}],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    exported as (
        {{ exported_searches(
            'query_searches', 'exported.page_key is not null and exported.query_key is not null', claims
        ) }}
    ),

    performance as (
        select performance.{{ columns | join(', performance.') }}, performance.origin
        from
            {{ ref('int_search__read_searches') }}
            as performance {{ join_days('performance', claims=claims) }}
        where performance.kind = 'query_searches'
        union all
        select {{ columns | join(', ') }}, origin
        from exported
    ),

    placed as (
        select performance.*, {{ page_as_of('performance', 'page_key') }} as led_to_page_key
        from performance {{ join_page_version('performance', 'page_key', 'performance.day') }}
    ),

    -- Google counts some literal URLs apart that are one page, such as fragments, or an old URL
    -- and the one it redirects to.
    summed as (
        select
            property_key,
            day,
            led_to_page_key as page_key,
            query_key,
            country,
            device,
            min(query) as query,
            min(origin) as origin,
            sum(clicks)::bigint as clicks,
            sum(impressions)::bigint as impressions,
            -- An export may lack a position.
            case
                when bool_and(position is not null or impressions = 0)
                then sum(position * impressions)
            end as position_sum
        from placed
        group by property_key, day, led_to_page_key, query_key, country, device
    )

select
    property_key,
    day,
    page_key,
    query_key,
    country,
    device,
    query,
    origin,
    clicks,
    impressions,
    position_sum::numeric(38, 12) as position_sum,
    case
        when impressions > 0 then (position_sum / impressions)::double precision else 0
    end as position
from summed
