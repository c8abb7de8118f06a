{%- set claims = {'kinds': ['checks', 'results']} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[
            {'columns': ['property_key', 'day']},
            {'columns': ['property_key', 'keyword_key', 'day']},
        ],
    )
}}

{%- set check = 'property_key, day, keyword_key, engine, locale, device' %}
{#- Of the property's best result. A row missing before it could have been a better one. #}
{%- set best = {
    'best_group_position': 'group_position', 'best_absolute_position': 'absolute_position', 'best_url': 'url',
    'best_page_key': 'page_key', 'is_best_for_certain': 'kept_no = item_no',
} %}
{%- set location = 'coalesce(rank_check.location_code, countries.location_code)' %}
{%- set is_own = "is_on_own_host and element_no is null and item_type = 'organic' and group_position > 0" %}
{#- What a regular answer tells, and the engine counts. #}
{%- set results = "('organic', 'paid', 'featured_snippet')" %}

with
    claimed as ({{ claimed_days(claims) }}),

    properties as (select property_key, domain from {{ ref('stg_ops__property') }}),

    told as (
        select
            {%- for column in [
                'property_key', 'day', 'keyword_key', 'keyword', 'language_code', 'origin', 'is_export', 'stated_state',
                'depth', 'position', 'ranking_url', 'ranking_page_key', 'item_count', 'claimed_result_count', 'failure',
                'observed_at', 'item_types', 'has_elements',
            ] %}
                rank_check.{{ column }},
            {%- endfor %}
            coalesce(rank_check.engine, 'unknown') as engine,
            {{ location }} as location_code,
            coalesce({{ location }}::text, rank_check.country, 'unknown')
            || '-'
            || coalesce(rank_check.language_code, 'unknown') as locale,
            coalesce(rank_check.device, 'unknown') as device
        from
            {{ ref('int_serp__read_checks') }}
            as rank_check {{ join_days('rank_check', claims=claims) }}
        inner join properties on properties.property_key = rank_check.property_key
        left join {{ ref('countries') }} as countries on countries.country = rank_check.country
        -- What ranks on somebody else's host is not the property's position.
        where
            rank_check.ranking_host is null
            or {{ is_host_of('rank_check.ranking_host', 'properties.domain') }}
    ),

    -- Our own check stands before all, and a later export before an earlier one.
    checks as (
        select distinct on ({{ check }}) *
        from told
        order by {{ check }}, is_export, observed_at desc, origin
    ),

    results as (
        select
            result.*,
            row_number() over (
                partition by
                    result.property_key,
                    result.day,
                    result.keyword_key,
                    result.locale,
                    result.device,
                    result.origin
                order by result.item_no
            ) as kept_no
        from {{ ref('int_serp__read_results') }} as result {{ join_days('result', claims=claims) }}
    ),

    published_results as (
        select distinct property_key, day, {{ origin_of('publication') }} as origin
        from {{ ref('stg_ops__publication') }} as publication
        where {{ is_of_kind('publication', ['results']) }}
    ),

    own_results as (
        select results.*, {{ is_host_of('results.host', 'properties.domain') }} as is_on_own_host
        from results
        inner join properties on properties.property_key = results.property_key
    ),

    -- One row for each result page, so that the checks are joined once: a chain of joins on six
    -- columns is planned as if it kept one row.
    result_pages as (
        select
            {{ check }},
            origin,
            count(*) filter (where element_no is null) as kept_item_count,
            count(*) filter (where item_type in {{ results }}) as kept_result_count,
            max(absolute_position) as last_absolute_position,
            {%- for name, value in best.items() %}
                (
                    array_agg({{ value }} order by group_position, item_no) filter (
                        where {{ is_own }}
                    )
                )[1] as {{ name }},
            {%- endfor %}
            array_agg(distinct element_type) filter (where is_on_own_host) as own_types
        from own_results
        group by {{ check }}, origin
    ),

    -- What an answer states itself stands; a result page is read where it does not.
    joined as (
        select
            checks.*,
            {%- for name in best %} result_pages.{{ name }}, {%- endfor %}
            result_pages.own_types,
            coalesce(result_pages.kept_item_count, 0) as kept_item_count,
            coalesce(result_pages.kept_result_count, 0) as kept_result_count,
            coalesce(result_pages.last_absolute_position, 0) as last_absolute_position,
            published_results.day is not null as is_result_published
        from checks
        left join
            published_results
            on published_results.property_key = checks.property_key
            and published_results.day = checks.day
            and published_results.origin = checks.origin
        left join
            result_pages
            on result_pages.property_key = checks.property_key
            and result_pages.day = checks.day
            and result_pages.keyword_key = checks.keyword_key
            and result_pages.engine = checks.engine
            and result_pages.locale = checks.locale
            and result_pages.device = checks.device
            and result_pages.origin = checks.origin
            and checks.stated_state is null
    ),

    measured as (
        select
            *,
            is_result_published and kept_item_count >= item_count as is_whole,
            -- Pages of about ten are read until there is the depth, so the last place is rarely the
            -- very depth. A result page that stops well before was read to its end only if the
            -- engine says that it has no more.
            greatest(last_absolute_position, item_count) >= 0.9 * depth
            or (depth <= 10 and item_count > 0)
            or (
                claimed_result_count <= kept_result_count
                and (claimed_result_count > 0 or item_count = 0)
            ) as is_to_its_end
        from joined
    ),

    judged as (
        select
            *,
            case
                when stated_state is not null
                then stated_state
                when is_best_for_certain
                then 'found'
                when not coalesce(is_whole, false)
                then 'truncated'
                when best_group_position is not null
                then 'found'
                when is_to_its_end
                then 'not_found'
                else 'truncated'
            end as state
        from measured
    )

select
    property_key,
    day,
    keyword_key,
    keyword,
    engine,
    location_code,
    language_code,
    locale,
    device,
    origin,
    state,
    depth,
    {%- for column, known in [
        ('position', 'coalesce(position, best_group_position)'), ('absolute_position', 'best_absolute_position'),
        ('ranking_url', 'coalesce(ranking_url, best_url)'),
        ('ranking_page_key', 'coalesce(ranking_page_key, best_page_key)'),
    ] %}
        case when state = 'found' then {{ known }} end as {{ column }},
    {%- endfor %}
    item_types,
    case when has_elements and is_whole then coalesce(own_types, '{}') end as own_element_types,
    case when state = 'failed' then failure end as failure,
    observed_at
from judged
