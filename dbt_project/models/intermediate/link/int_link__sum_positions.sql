{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_later_days() }}',
        indexes=[
            {'columns': ['property_key', 'series_key', 'day'], 'unique': True},
            {'columns': ['property_key', 'day']},
        ],
    )
}}

{%- set is_partial = execute and is_incremental() and var('build_id') | int != 0 %}
{%- set carried_days = 3 %}
{%- if is_partial %}
    {%- set first_day = run_query(
        "select min(least(claimed.day, (select max(day) + 1 from " ~ this ~ " as standing"
        ~ " where standing.property_key = claimed.property_key and standing.day < claimed.day)))"
        ~ " from (" ~ claimed_position_days() ~ ") as claimed"
    ).rows[0][0] or 'infinity' %}
{%- endif %}
{#- Wide columns first, counts of days as smallint: there are as many rows as keyword-days. #}
{%- set wide_totals = ['log_position_sum', 'expected_ctr_sum'] %}

with
    properties as (select property_key, depth from {{ ref('stg_ops__property') }}),

    series as (select * from {{ ref('int_link__list_series') }}),

    last_days as (
        select property_key, max(day) as last_day
        from {{ source('ops', 'publication') }} as publication
        where is_current and {{ is_of_checks('publication') }}
        group by property_key
    ),

    curve as (
        select array_agg(round(click_share * 1000000000000)::bigint order by position) as shares
        from {{ ref('click_curve') }}
    ),

    {% if is_partial -%}
        claimed as ({{ claimed_position_days() }}),

        -- What stands of each series after the pre-hook: its total on the day before.
        standing_days as (
            select standing.property_key, max(standing.day) as day
            from {{ this }} as standing
            inner join claimed on claimed.property_key = standing.property_key
            group by standing.property_key
        ),

        standing as (
            select standing.*
            from {{ this }} as standing
            inner join
                standing_days
                on standing_days.property_key = standing.property_key
                and standing_days.day = standing.day
        ),

        -- What the first days carry on was checked on the days before them.
        begins as (
            select claimed.property_key, least(claimed.day, standing_days.day + 1) as day
            from claimed
            left join standing_days on standing_days.property_key = claimed.property_key
        ),
    {%- endif %}

    checks as (
        select
            series.series_key,
            rank_check.property_key,
            rank_check.day,
            last_days.last_day,
            rank_check.state,
            rank_check.depth,
            rank_check.position
        from {{ ref('fct_serp_position') }} as rank_check
        inner join
            series
            on series.property_key = rank_check.property_key
            and series.keyword_key = rank_check.keyword_key
            and series.engine = rank_check.engine
            and series.locale = rank_check.locale
            and series.device = rank_check.device
        inner join last_days on last_days.property_key = rank_check.property_key
        {% if is_partial -%}
            inner join
                begins
                on begins.property_key = rank_check.property_key
                and begins.day - {{ carried_days }} <= rank_check.day
            -- As a literal, or the planner would read every day.
            where rank_check.day >= date '{{ first_day }}' - {{ carried_days }}
        {%- endif %}
    ),

    -- A check to less than the panel's depth measures nothing; what lies deeper, or nowhere,
    -- counts as depth + 1.
    judged as (
        select
            checks.series_key,
            checks.property_key,
            checks.day,
            checks.last_day,
            checks.state,
            properties.depth::smallint as panel_depth,
            case
                when checks.state not in ('found', 'not_found')
                then null
                when coalesce(checks.depth < properties.depth, true)
                then null
                when checks.state = 'found'
                then least(checks.position, properties.depth + 1)
                else properties.depth + 1
            end::smallint as measured_position
        from checks
        inner join properties on properties.property_key = checks.property_key
    ),

    {% if is_partial -%}
        -- A series that stands goes on without a check too.
        lines as (
            select *, true as is_check
            from judged
            union all
            select
                standing.series_key,
                standing.property_key,
                greatest(standing.first_day, standing.day + 1 - {{ carried_days }}),
                last_days.last_day,
                null,
                properties.depth::smallint,
                null,
                false
            from standing
            inner join last_days on last_days.property_key = standing.property_key
            inner join properties on properties.property_key = standing.property_key
        ),
    {%- else -%} lines as (select *, true as is_check from judged),
    {%- endif %}

    spaced as (
        select
            *, min(day) over series_days as first_day, lead(day) over series_days as following_day
        from lines
        window series_days as (partition by property_key, series_key order by day, is_check)
    ),

    -- Each line with the days until the next one. They come sorted, so that nothing is sorted
    -- twice.
    days as (
        select
            spaced.property_key,
            spaced.series_key,
            spaced.first_day,
            spaced.day as line_day,
            (spaced.day + shift.days) as day,
            spaced.panel_depth,
            case when shift.days = 0 then spaced.state end as state,
            case when shift.days = 0 then spaced.measured_position end as measured_position
        from spaced
        cross join
            lateral generate_series(
                0, least(spaced.following_day - 1, spaced.last_day) - spaced.day
            ) as shift(days)
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
            daily.first_day,
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

    summed as (
        select
            property_key,
            series_key,
            first_day,
            day,
            {%- for total in position_totals() %}
                sum({{ total }}) over series_days as {{ total }}{{ ',' if not loop.last }}
            {%- endfor %}
        from counted
        window series_days as (partition by property_key, series_key order by line_day, day)
    )

select
    summed.series_key,
    {%- for total in position_totals() | select('in', wide_totals) %}
        (
            summed.{{ total }}{% if is_partial %} + coalesce(standing.{{ total }}, 0){% endif %}
        )::bigint as {{ total }},
    {%- endfor %}
    summed.property_key,
    {% if is_partial %} coalesce(standing.first_day, summed.first_day) as first_day
    {% else %} summed.first_day
    {% endif %},
    summed.day,
    {%- for total in position_totals() | reject('in', wide_totals) %}
        (
            summed.{{ total }}{% if is_partial %} + coalesce(standing.{{ total }}, 0){% endif %}
        )::{{ 'integer' if total == 'position_sum' else 'smallint' }}
        as {{ total }}{{ ',' if not loop.last }}
    {%- endfor %}
from summed
{% if is_partial -%}
    left join
        standing
        on standing.property_key = summed.property_key
        and standing.series_key = summed.series_key
{%- endif %}
