{%- set claims = {'kinds': ['searches', 'page_searches'], 'follows_pages': true} -%}
{%- set columns = [
    'property_key', 'day', 'page_key', 'country', 'device', 'clicks', 'impressions', 'position',
] %}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[
            {'columns': ['property_key', 'page_key', 'day']},
            {'columns': ['day'], 'type': 'brin'},
        ],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    exported as (
        {{ exported_searches(
            'page_searches', 'exported.page_key is not null and exported.query_key is null', claims
        ) }}
    ),

    totals as (
        select total.{{ columns | join(', total.') }}, total.origin
        from {{ ref('int_search__read_searches') }} as total {{ join_days('total', claims=claims) }}
        where total.kind = 'page_searches'
        union all
        select {{ columns | join(', ') }}, origin
        from exported
    ),

    placed as (
        select totals.*, {{ page_as_of('totals', 'page_key') }} as led_to_page_key
        from totals {{ join_page_version('totals', 'page_key', 'totals.day') }}
    ),

    summed as (
        select
            property_key,
            day,
            led_to_page_key as page_key,
            country,
            device,
            min(origin) as origin,
            sum(clicks)::bigint as clicks,
            sum(impressions)::bigint as impressions,
            -- An export may lack a position.
            case
                when bool_and(position is not null or impressions = 0)
                then sum(position * impressions)
            end as position_sum
        from placed
        group by property_key, day, led_to_page_key, country, device
    )

select
    property_key,
    day,
    page_key,
    country,
    device,
    origin,
    clicks,
    impressions,
    position_sum::numeric(38, 12) as position_sum,
    case
        when impressions > 0 then (position_sum / impressions)::double precision else 0
    end as position
from summed
