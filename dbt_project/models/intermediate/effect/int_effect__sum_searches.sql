-- depends_on: {{ ref('int_page__list_moved_days') }}
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
{%- set carried_days = 3 %}
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
        from {{ ref('stg_ops__publication') }}
        where source = 'search_console' and table_name = 'page_total' and not is_capped
    ),

    {% if is_partial -%}
        claimed as ({{ claimed_search_days() }}),

        standing_days as (
            select standing.property_key, max(standing.day) as day
            from {{ this }} as standing
            inner join claimed on claimed.property_key = standing.property_key
            where standing.day >= date '{{ first_day }}' - 1
            group by standing.property_key
        ),

        standing as (
            select standing.*
            from {{ this }} as standing
            inner join
                standing_days
                on standing_days.property_key = standing.property_key
                and standing_days.day = standing.day
            where standing.day >= date '{{ first_day }}' - 1
        ),

        begins as (
            select claimed.property_key, least(claimed.day, standing_days.day + 1) as day
            from claimed
            left join standing_days on standing_days.property_key = claimed.property_key
        ),
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
        {% if is_partial -%}
            select property_key, page_key, min(first_day) as first_day, max(next_day) as next_day
            from
                (
                    select property_key, page_key, first_day, day + 1 as next_day
                    from standing
                    union all
                    select
                        searches.property_key,
                        searches.page_key,
                        spans.first_day,
                        spans.first_day as next_day
                    from searches
                    inner join
                        begins
                        on begins.property_key = searches.property_key
                        and begins.day <= searches.day
                    inner join spans on spans.property_key = searches.property_key
                ) as known_pages
            group by property_key, page_key
        {%- else -%}
            select distinct
                searches.property_key,
                searches.page_key,
                spans.first_day,
                spans.first_day as next_day
            from searches
            inner join spans on spans.property_key = searches.property_key
        {%- endif %}
    ),

    days as (
        select
            pages.*,
            (greatest(pages.first_day, pages.next_day - {{ carried_days }}) + shift.days) as day
        from pages
        inner join spans on spans.property_key = pages.property_key
        cross join
            lateral generate_series(
                0, spans.last_day - greatest(pages.first_day, pages.next_day - {{ carried_days }})
            ) as shift(days)
    ),

    measured as (
        select
            days.*,
            whole_days.day is not null or searches.day is not null as is_measured,
            coalesce(searches.clicks, 0) as clicks,
            coalesce(searches.impressions, 0) as impressions
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
                    case when is_measured then {{ figure }} end
                    {%- for number in range(1, carried_days + 1) %}
                        ,
                        lag(
                            case when is_measured then {{ figure }} end, {{ number }}
                        ) over page_days
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
            is_measured::integer as measured_count,
            (is_measured and impressions > 0)::integer as ranked_count,
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
                sum({{ total }}) over page_days as {{ total }},
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
    {%- for total in search_totals() %}
        {{ total }}::{{ 'bigint' if total.endswith('_sum') else 'integer' }}
        as {{ total }}{{ ',' if not loop.last }}
    {%- endfor %}
from summed
where not is_standing
