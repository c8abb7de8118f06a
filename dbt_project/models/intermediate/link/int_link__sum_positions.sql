{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_later_days() }}',
        indexes=[
            {'columns': ['property_key', 'keyword_key', 'engine', 'locale', 'device', 'day'], 'unique': True},
            {'columns': ['property_key', 'day']},
        ],
    )
}}

{%- set is_partial = execute and is_incremental() and var('build_id') | int != 0 %}
{%- set series = 'property_key, keyword_key, engine, locale, device' %}
{%- set totals = [
    'check_count', 'measured_count', 'ranked_count', 'found_count', 'not_found_count', 'truncated_count',
    'failed_count', 'position_sum', 'log_position_sum',
] %}

with
    properties as (select property_key, depth from {{ ref('stg_ops__property') }}),

    last_days as (
        select property_key, max(day) as last_day
        from {{ source('ops', 'publication') }} as publication
        where is_current and {{ is_of_checks('publication') }}
        group by property_key
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
    {%- endif %}

    checks as (
        select rank_check.*
        from {{ ref('fct_serp_position') }} as rank_check
        {% if is_partial -%}
            inner join
                claimed
                on claimed.property_key = rank_check.property_key
                and claimed.day <= rank_check.day
        {%- endif %}
    ),

    -- A check to less than the panel's depth measures nothing; what lies deeper, or nowhere,
    -- counts as depth + 1.
    judged as (
        select
            checks.*,
            checks.state in ('found', 'not_found')
            and checks.depth >= properties.depth as is_measured,
            checks.state = 'found' and checks.position <= properties.depth as is_ranked,
            case
                when checks.state = 'found'
                then least(checks.position, properties.depth + 1)
                else properties.depth + 1
            end as counted_position
        from checks
        inner join properties on properties.property_key = checks.property_key
    ),

    starts as (
        {% if is_partial -%}
            select {{ series }}, min(first_day) as first_day, min(next_day) as next_day
            from
                (
                    select {{ series }}, first_day, day + 1 as next_day
                    from standing
                    union all
                    select {{ series }}, min(day), min(day)
                    from judged
                    group by {{ series }}
                ) as known_series
            group by {{ series }}
        {%- else -%}
            select {{ series }}, min(day) as first_day, min(day) as next_day
            from judged
            group by {{ series }}
        {%- endif %}
    ),

    days as (
        select
            starts.property_key,
            starts.keyword_key,
            starts.engine,
            starts.locale,
            starts.device,
            starts.first_day,
            (starts.next_day + shift.days) as day
        from starts
        inner join last_days on last_days.property_key = starts.property_key
        cross join lateral generate_series(0, last_days.last_day - starts.next_day) as shift(days)
    ),

    daily as (
        select
            days.*,
            (judged.state is not null)::integer::bigint as check_count,
            coalesce(judged.is_measured, false)::integer::bigint as measured_count,
            coalesce(judged.is_measured and judged.is_ranked, false)::integer::bigint
            as ranked_count,
            coalesce(judged.state = 'found', false)::integer::bigint as found_count,
            coalesce(judged.state = 'not_found', false)::integer::bigint as not_found_count,
            coalesce(judged.state = 'truncated', false)::integer::bigint as truncated_count,
            coalesce(judged.state = 'failed', false)::integer::bigint as failed_count,
            case when judged.is_measured then judged.counted_position else 0 end::bigint
            as position_sum,
            -- Numeric, so that sums do not depend on their order.
            case
                when judged.is_measured
                then round(ln(judged.counted_position::double precision)::numeric, 12)
                else 0
            end as log_position_sum
        from days
        left join
            judged
            on judged.property_key = days.property_key
            and judged.keyword_key = days.keyword_key
            and judged.engine = days.engine
            and judged.locale = days.locale
            and judged.device = days.device
            and judged.day = days.day
    ),

    summed as (
        select
            {{ series }},
            first_day,
            day,
            {%- for total in totals %}
                sum({{ total }}) over series_days as {{ total }}{{ ',' if not loop.last }}
            {%- endfor %}
        from daily
        window series_days as (partition by {{ series }} order by day)
    )

select
    summed.property_key,
    summed.keyword_key,
    summed.engine,
    summed.locale,
    summed.device,
    summed.first_day,
    summed.day,
    {%- for total in totals %}
        {%- set type = 'numeric' if total == 'log_position_sum' else 'bigint' %}
        (
            summed.{{ total }}{% if is_partial %} + coalesce(standing.{{ total }}, 0){% endif %}
        )::{{ type }} as {{ total }}{{ ',' if not loop.last }}
    {%- endfor %}
from summed
{% if is_partial -%}
    left join
        standing
        on standing.property_key = summed.property_key
        and standing.keyword_key = summed.keyword_key
        and standing.engine = summed.engine
        and standing.locale = summed.locale
        and standing.device = summed.device
{%- endif %}
