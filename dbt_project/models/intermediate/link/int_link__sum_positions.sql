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
        {% if is_partial -%}
            inner join
                begins
                on begins.property_key = rank_check.property_key
                and begins.day - {{ carried_days }} <= rank_check.day
        {%- endif %}
    ),

    -- A check to less than the panel's depth measures nothing; what lies deeper, or nowhere,
    -- counts as depth + 1.
    judged as (
        select
            checks.*,
            properties.depth as panel_depth,
            case
                when checks.state not in ('found', 'not_found')
                then null
                when coalesce(checks.depth < properties.depth, true)
                then null
                when checks.state = 'found'
                then least(checks.position, properties.depth + 1)
                else properties.depth + 1
            end as measured_position
        from checks
        inner join properties on properties.property_key = checks.property_key
    ),

    starts as (
        {% if is_partial -%}
            select property_key, series_key, min(first_day) as first_day, min(next_day) as next_day
            from
                (
                    select property_key, series_key, first_day, day + 1 as next_day
                    from standing
                    union all
                    select judged.property_key, judged.series_key, min(judged.day), min(judged.day)
                    from judged
                    inner join
                        begins
                        on begins.property_key = judged.property_key
                        and begins.day <= judged.day
                    group by judged.property_key, judged.series_key
                ) as known_series
            group by property_key, series_key
        {%- else -%}
            select property_key, series_key, min(day) as first_day, min(day) as next_day
            from judged
            group by property_key, series_key
        {%- endif %}
    ),

    days as (
        select
            starts.*,
            (greatest(starts.first_day, starts.next_day - {{ carried_days }}) + shift.days) as day
        from starts
        inner join last_days on last_days.property_key = starts.property_key
        cross join
            lateral generate_series(
                0,
                last_days.last_day
                - greatest(starts.first_day, starts.next_day - {{ carried_days }})
            ) as shift(days)
    ),

    daily as (
        select
            days.*,
            judged.state,
            judged.measured_position,
            properties.depth as panel_depth,
            -- A day without a measurement has the value of the last one, up to three days long.
            coalesce(
                judged.measured_position
                {%- for number in range(1, carried_days + 1) %}
                    , lag(judged.measured_position, {{ number }}) over series_days
                {%- endfor %}
            ) as value
        from days
        inner join properties on properties.property_key = days.property_key
        left join
            judged
            on judged.property_key = days.property_key
            and judged.series_key = days.series_key
            and judged.day = days.day
        window series_days as (partition by days.property_key, days.series_key order by days.day)
    ),

    counted as (
        select
            property_key,
            series_key,
            first_day,
            day,
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
                series_key,
                first_day,
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
            first_day,
            day,
            {%- for total in position_totals() %}
                sum({{ total }}) over series_days as {{ total }},
            {%- endfor %}
            is_standing
        from continued
        window series_days as (partition by property_key, series_key order by day)
    )

select
    property_key,
    series_key,
    first_day,
    day,
    {%- for total in position_totals() %}
        {{ total }}::{{ 'bigint' if total.endswith('_sum') else 'integer' }}
        as {{ total }}{{ ',' if not loop.last }}
    {%- endfor %}
from summed
where not is_standing
