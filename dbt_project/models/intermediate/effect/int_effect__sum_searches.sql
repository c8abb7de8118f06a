{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook="{{ replace_later_days('claimed_search_days') }}",
        indexes=[
            {'columns': ['property_key', 'page_key', 'day'], 'unique': True},
            {'columns': ['property_key', 'day']},
        ],
    )
}}

{%- set is_partial = execute and is_incremental() and var('build_id') | int != 0 %}
{%- set claims = claimed_search_days() %}
{%- set carried_days = var('carried_days') | int %}
{%- if is_partial %} {%- set first_day = first_changed_day('claimed_search_days') %} {%- endif %}

with
    searches as (
        select
            property_key,
            page_key,
            day,
            sum(clicks)::bigint as clicks,
            sum(impressions)::bigint as impressions
        from {{ ref('fct_search_page') }}
        where
            page_key is not null
            {% if is_partial -%}
                -- As a literal, here and below, or the planner would read every day.
                and day >= date '{{ first_day }}' - {{ carried_days }}
            {%- endif %}
        group by property_key, page_key, day
    ),

    -- On a day whose totals by page are published whole, a page without a row was not shown.
    whole_days as (
        select distinct property_key, day
        from {{ ref('stg_ops__publication') }} as publication
        where {{ is_of_kind('publication', ['page_searches']) }} and not is_capped
    ),

    {% if is_partial -%}
        claimed as ({{ claims }}),

        standing as ({{ standing_totals(first_day) }}),

        begins as ({{ first_days_to_sum() }}),
    {%- endif %}

    spans as (
        select property_key, min(day) as first_day, max(day) as last_day
        from
            (
                select property_key, day
                from whole_days
                union all
                select property_key, day
                from searches
                {% if is_partial -%}
                    union all
                    select property_key, first_day
                    from standing
                {%- endif %}
            ) as known_days
        group by property_key
    ),

    pages as (
        select
            property_key,
            page_key,
            min(first_day) as first_day,
            max(next_day) as next_day,
            greatest(min(first_day), max(next_day) - {{ carried_days }}) as begin_day
        from
            (
                {% if is_partial -%}
                    select property_key, page_key, first_day, day + 1 as next_day
                    from standing
                    union all
                {%- endif %}
                select
                    searches.property_key,
                    searches.page_key,
                    spans.first_day,
                    spans.first_day as next_day
                from searches
                inner join spans on spans.property_key = searches.property_key
                {% if is_partial -%}
                    inner join
                        begins
                        on begins.property_key = searches.property_key
                        and begins.day <= searches.day
                {%- endif %}
            ) as known_pages
        group by property_key, page_key
    ),

    days as (
        select
            pages.*, pages.begin_day + generate_series(0, spans.last_day - pages.begin_day) as day
        from pages
        inner join spans on spans.property_key = pages.property_key
    ),

    measured as (
        select
            days.*,
            {%- for figure in ['clicks', 'impressions'] %}
                case
                    when whole_days.day is not null or searches.day is not null
                    then coalesce(searches.{{ figure }}, 0)
                end as {{ figure }}{{ ',' if not loop.last }}
            {%- endfor %}
        from days
        left join
            searches
            on searches.property_key = days.property_key
            and searches.page_key = days.page_key
            and searches.day = days.day
        left join
            whole_days on whole_days.property_key = days.property_key and whole_days.day = days.day
    ),

    daily as (
        select
            *,
            {%- for figure in ['clicks', 'impressions'] %}
                coalesce(
                    {{ figure }}
                    {%- for number in range(1, carried_days + 1) %}
                        , lag({{ figure }}, {{ number }}) over page_days
                    {%- endfor %}
                ) as {{ figure }}_value{{ ',' if not loop.last }}
            {%- endfor %}
        from measured
        window page_days as (partition by property_key, page_key order by day)
    ),

    counted as (
        select
            property_key,
            page_key,
            first_day,
            day,
            (impressions is not null)::integer as measured_count,
            coalesce(impressions > 0, false)::integer as ranked_count,
            (impressions_value is not null)::integer as value_count,
            -- Whole units of 10^-12, so that sums are exact whatever their order.
            {%- for figure in ['click', 'impression'] %}
                coalesce(
                    round(ln(1 + {{ figure }}s_value::double precision) * 1000000000000)::bigint, 0
                ) as {{ figure }}_log_sum{{ ',' if not loop.last }}
            {%- endfor %}
        from daily
        where day >= next_day
    ),

    -- The standing total of a series is what its new days add to.
    continued as (
        select *, false as is_standing
        from counted
        {% if is_partial -%}
            union all
            select
                property_key,
                page_key,
                first_day,
                day,
                {%- for total in search_totals() %} {{ total }}, {%- endfor %}
                true
            from standing
        {%- endif %}
    ),

    summed as (
        select
            property_key,
            page_key,
            first_day,
            day,
            {%- for total in search_totals() %}
                (
                    sum({{ total }}) over page_days
                )::{{ 'bigint' if total.endswith('_sum') else 'integer' }} as {{ total }},
            {%- endfor %}
            is_standing
        from continued
        window page_days as (partition by property_key, page_key order by day)
    )

select
    property_key,
    page_key,
    first_day,
    day,
    {%- for total in search_totals() %} {{ total }}{{ ',' if not loop.last }} {%- endfor %}
from summed
where not is_standing
