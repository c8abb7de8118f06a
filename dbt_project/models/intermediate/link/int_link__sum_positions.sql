{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_later_days() }}',
        indexes=[
            {'columns': ['series_key', 'property_key', 'day', 'depth'], 'unique': True},
            {'columns': ['property_key', 'day']},
        ],
    )
}}

{%- set is_partial = execute and is_incremental() and var('build_id') | int != 0 %}
{%- set by_day = 'series_days as (partition by property_key, series_key, panel_depth order by line_day, day)' %}
{%- set by_line = by_day | replace('line_day, day', 'day, is_check') %}
{%- set carried_days = var('carried_days') | int %}
{%- if is_partial %} {%- set first_day = first_changed_day('claimed_position_days') %} {%- endif %}

with
    -- A total for each depth that holds in some period, so that a window may cross two of them.
    properties as (select distinct property_key, depth from {{ ref('stg_ops__panel_depth') }}),

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

    -- A check to less than the depth measures nothing; deeper, or nowhere, counts as one more.
    -- What the first days carry on was checked on the days before them.
    checks as (
        select
            series.series_key,
            rank_check.property_key,
            rank_check.day,
            rank_check.state,
            properties.depth::smallint as panel_depth,
            case
                when coalesce(rank_check.depth < properties.depth, true)
                then null
                when rank_check.state = 'found'
                then least(rank_check.position, properties.depth + 1)
                when rank_check.state = 'not_found'
                then properties.depth + 1
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
                standing.depth,
                null,
                false
            from standing
        {%- endif %}
    ),

    spaced as (
        select lines.*, coalesce(lead(day) over series_days - 1, last_day) as until_day
        from lines
        left join last_days using (property_key)
        window {{ by_line }}
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
        window {{ by_day }}
    ),

    counted as (
        select
            daily.property_key,
            daily.series_key,
            daily.panel_depth,
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
            coalesce(round(ln(value::float8) * 1000000000000)::bigint, 0) as log_position_sum,
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
                depth,
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
            panel_depth,
            day,
            {%- for total in position_totals() %}
                sum({{ total }}) over series_days as {{ total }},
            {%- endfor %}
            is_standing
        from continued
        window {{ by_day }}
    )

-- As narrow as can be, and without gaps: there are as many rows as keyword-days.
select
    series_key,
    log_position_sum::bigint as log_position_sum,
    expected_ctr_sum::bigint as expected_ctr_sum,
    property_key,
    day,
    position_sum::integer as position_sum,
    panel_depth as depth,
    {%- for total in position_totals() if total.endswith('_count') %}
        {{ total }}::smallint as {{ total }}{{ ',' if not loop.last }}
    {%- endfor %}
from summed
where not is_standing
