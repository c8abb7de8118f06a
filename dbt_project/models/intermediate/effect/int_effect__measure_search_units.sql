{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_cells() }}',
        indexes=[
            {'columns': ['property_key', 'topic', 'event_date', 'sample_no']},
            {'columns': ['event_key']},
        ],
    )
}}

{%- set search_outcomes = outcomes() | selectattr('of', 'equalto', 'searches') | list %}

with
    -- Units whose page was changed are kept for the main samples alone.
    -- They tell what leaving them out does.
    -- This step and the next as in int_effect__measure_check_units: a macro is written at its
    -- third use.
    units as (
        select
            units.*,
            coalesce(watched.change_date <= units.horizon_date, false) as is_onpage_changed,
            coalesce(watched.watched_until_date < units.horizon_date, true) as is_onpage_unknown
        from {{ ref('int_effect__list_units') }} as units
        inner join
            {{ ref('int_link__watch_pages') }} as watched
            on watched.property_key = units.property_key
            and watched.event_date = units.event_date
            and watched.page_key = units.page_key
        where units.is_main or coalesce(watched.change_date > units.horizon_date, true)
        -- A page's totals lie together.
        order by units.property_key, units.topic, units.page_key, units.event_date
    ),

    -- Of all units and not of the CTE: named twice, it would be brought to Citus's coordinator.
    horizons as materialized(
        select properties.property_key, totals.day as last_day
        from (select distinct property_key from {{ ref('int_effect__list_units') }}) as properties
        cross join
            lateral(
                select distinct on (sums.property_key) sums.day
                from {{ ref('int_effect__sum_searches') }} as sums
                where sums.property_key = properties.property_key
                order by sums.property_key, sums.day desc
            ) as totals
    ),

    based as (
        select
            units.*,
            {{ cell_key(search_panel(), 'units.topic', 'units.event_date', "'all'", "'all'") }}
            as cell_key,
            {%- for total in search_totals() %}
                bases.{{ total }} as base_{{ total }}{{ ',' if not loop.last }}
            {%- endfor %}
        from units
        inner join
            {{ ref('int_effect__measure_search_bases') }} as bases
            on bases.property_key = units.property_key
            and bases.event_date = units.event_date
            and bases.page_key = units.page_key
        inner join
            horizons
            on horizons.property_key = units.property_key
            and units.horizon_date <= horizons.last_day
    ),

    measured as (
        select based.*, {{ window_totals(search_totals()) }}
        from based {{ join_window('based', 'int_effect__sum_searches', 'page_key') }}
    )

select
    property_key,
    event_date,
    cell_key,
    page_key,
    event_key,
    {%- for outcome in search_outcomes %}
        case
            when role <> 'control' then {{ window_mean('measured', outcome, 'base_') }}
        end as base_{{ outcome['name'] }},
        {{ window_mean('measured', outcome) }}
        - {{ window_mean('measured', outcome, 'base_') }} as {{ outcome['name'] }}_change,
    {%- endfor %}
    sample_no,
    is_onpage_changed,
    is_onpage_unknown,
    role,
    topic
from measured
where 2 * measured_count >= end_day - begin_day + 1
