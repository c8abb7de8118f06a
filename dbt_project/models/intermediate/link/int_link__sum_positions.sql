{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_later_days() }}',
        indexes=[
            {'columns': ['series_key', 'property_key', 'day'], 'unique': True},
            {'columns': ['property_key', 'day']},
        ],
    )
}}

{%- set is_partial = execute and is_incremental() and var('build_id') | int != 0 %}
{%- set carried_days = var('carried_days') | int %}
{%- if is_partial %} {%- set first_day = first_changed_day('claimed_position_days') %} {%- endif %}

with
    properties as (select property_key, depth from {{ ref('stg_ops__property') }}),

    series as (select * from {{ ref('int_link__list_series') }}),

    last_days as (
        select property_key, max(day) as last_day
        from {{ source('ops', 'publication') }} as publication
        where is_current and {{ is_of_kind('publication', ['checks']) }}
        group by property_key
    ),

    curve as (
        select array_agg(round(click_share * 1000000000000)::bigint order by position) as shares
        from {{ ref('click_curve') }}
    ),

    {% if is_partial -%}
        claimed as ({{ claimed_position_days() }}),

        standing as ({{ standing_totals(first_day) }}),

        begins as ({{ first_days_to_sum() }}),
    {%- endif %}

    -- A check to less than the panel's depth measures nothing.
    -- What lies deeper, or nowhere, counts as depth + 1.
    -- What the first days carry on was checked on the days before them.
    checks as (
        select
            series.series_key,
            rank_check.property_key,
            rank_check.day,
            rank_check.state,
            properties.depth::smallint as panel_depth,
            case
                when rank_check.state not in ('found', 'not_found')
                then null
                when coalesce(rank_check.depth < properties.depth, true)
                then null
                when rank_check.state = 'found'
                then least(rank_check.position, properties.depth + 1)
                else properties.depth + 1
            end::smallint as measured_position
        from {{ ref('int_serp__judge_checks') }} as rank_check {{ join_series('rank_check') }}
        inner join properties on properties.property_key = rank_check.property_key
        {% if is_partial -%}
            inner join
                begins
                on begins.property_key = rank_check.property_key
                and begins.day - {{ carried_days }} <= rank_check.day
            where rank_check.day >= date '{{ first_day }}' - {{ carried_days }}
        {%- endif %}
    ),

    -- A series that stands goes on without a check too.
    lines as (
        select *, true as is_check
        from checks
        {% if is_partial -%}
            union all
            select
                standing.series_key,
                standing.property_key,
                standing.day + 1 - {{ carried_days }},
                null,
                properties.depth::smallint,
                null,
                false
            from standing
            inner join properties on properties.property_key = standing.property_key
        {%- endif %}
    ),

    spaced as (
        select
            lines.*, coalesce(lead(lines.day) over series_days - 1, last_days.last_day) as until_day
        from lines
        left join last_days on last_days.property_key = lines.property_key
        window
            series_days as (
                partition by lines.property_key, lines.series_key order by lines.day, lines.is_check
            )
    ),

    -- Each line with the days until the next one. They come sorted: nothing is sorted twice.
    days as (
        select
            spaced.property_key,
            spaced.series_key,
            spaced.day as line_day,
            (spaced.day + shift.days) as day,
            spaced.panel_depth,
            case when shift.days = 0 then spaced.state end as state,
            case when shift.days = 0 then spaced.measured_position end as measured_position
        from spaced
        cross join lateral generate_series(0, spaced.until_day - spaced.day) as shift(days)
    ),

    daily as (
        select
            *,
            -- A day without a measurement has the value of the last one, up to three days long.
            coalesce(
                measured_position
                {%- for number in range(1, carried_days + 1) %}
                    , lag(measured_position, {{ number }}) over series_days
                {%- endfor %}
            ) as value
        from days
        window series_days as (partition by property_key, series_key order by line_day, day)
    ),

    counted as (
        select
            daily.property_key,
            daily.series_key,
            daily.line_day,
            daily.day,
            (state is not null)::integer as check_count,
            (measured_position is not null)::integer as measured_count,
            coalesce(measured_position <= panel_depth, false)::integer as ranked_count,
            {%- for state in ['found', 'not_found', 'truncated', 'failed'] %}
                coalesce(state = '{{ state }}', false)::integer as {{ state }}_count,
            {%- endfor %}
            (value is not null)::integer as value_count,
            coalesce(value <= 10, false)::integer as top_10_count,
            coalesce(value <= panel_depth, false)::integer as ranked_value_count,
            coalesce(value, 0)::bigint as position_sum,
            -- Whole units of 10^-12, so that sums are exact whatever their order.
            coalesce(
                round(ln(value::double precision) * 1000000000000)::bigint, 0
            ) as log_position_sum,
            coalesce((select shares from curve)[value], 0) as expected_ctr_sum
        from daily
        {% if is_partial -%}
            inner join
                begins on begins.property_key = daily.property_key and begins.day <= daily.day
        {%- endif %}
    ),

    -- The standing total of a series is what its new days add to.
    continued as (
        select *, false as is_standing
        from counted
        {% if is_partial -%}
            union all
            select
                property_key,
                series_key,
                date '-infinity',
                day,
                {%- for total in position_totals() %} {{ total }}, {%- endfor %}
                true
            from standing
        {%- endif %}
    ),

    summed as (
        select
            property_key,
            series_key,
            day,
            {%- for total in position_totals() %}
                sum({{ total }}) over series_days as {{ total }},
            {%- endfor %}
            is_standing
        from continued
        window series_days as (partition by property_key, series_key order by line_day, day)
    )

-- As narrow as can be, and without gaps: there are as many rows as keyword-days.
select
    series_key,
    log_position_sum::bigint as log_position_sum,
    expected_ctr_sum::bigint as expected_ctr_sum,
    property_key,
    day,
    position_sum::integer as position_sum,
    {%- for total in position_totals() if total.endswith('_count') %}
        {{ total }}::smallint as {{ total }}{{ ',' if not loop.last }}
    {%- endfor %}
from summed
where not is_standing
