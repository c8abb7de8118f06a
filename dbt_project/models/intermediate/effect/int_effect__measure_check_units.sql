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

{%- set check_outcomes = outcomes() | selectattr('of', 'equalto', 'checks') | list %}
{%- set counts = ['check'] + check_states() %}

with
    -- Units whose page was changed are kept for the main samples alone.
    -- They tell what leaving them out does.
    -- This step and the next as in int_effect__measure_search_units: a macro is written at its
    -- third use.
    units as (
        select
            units.*,
            depths.depth,
            coalesce(watched.change_date <= units.horizon_date, false) as is_onpage_changed,
            coalesce(watched.watched_until_date < units.horizon_date, true) as is_onpage_unknown
        from {{ ref('int_effect__list_units') }} as units
        inner join
            {{ ref('int_link__watch_pages') }} as watched
            on watched.property_key = units.property_key
            and watched.event_date = units.event_date
            and watched.page_key = units.page_key
        inner join
            {{ ref('int_effect__list_depths') }} as depths
            on depths.property_key = units.property_key
            and depths.event_date = units.event_date
            and depths.sample_no = units.sample_no
        where units.is_main or coalesce(watched.change_date > units.horizon_date, true)
        -- A page's totals lie together.
        order by units.property_key, units.topic, units.page_key, units.event_date
    ),

    horizons as materialized(
        select properties.property_key, totals.day as last_day
        from (select distinct property_key from {{ ref('int_effect__list_units') }}) as properties
        cross join
            lateral(
                select distinct on (sums.property_key) sums.day
                from {{ ref('int_link__sum_positions') }} as sums
                where sums.property_key = properties.property_key
                order by sums.property_key, sums.day desc
            ) as totals
    ),

    -- A page is the mean of those keywords that have half of their checks before and after.
    -- Unit by unit, so that nothing but its few keywords and windows is held at once.
    measured as (
        select units.*, means.*
        from units
        inner join
            horizons
            on horizons.property_key = units.property_key
            and units.horizon_date <= horizons.last_day
        cross join
            lateral(
                select
                    checked.cell_key,
                    count(*)::smallint as keyword_count,
                    {%- for outcome in check_outcomes %}
                        avg(
                            {{ window_mean('checked', outcome, 'base_') }}
                        ) as base_{{ outcome['name'] }},
                        avg({{ window_mean('checked', outcome) }}) as window_{{ outcome['name'] }},
                    {%- endfor %}
                    {%- for count in counts %}
                        sum(checked.base_{{ count }}_count)::smallint as base_{{ count }}_count,
                        sum(checked.{{ count }}_count)::smallint
                        as window_{{ count }}_count{{ ',' if not loop.last }}
                    {%- endfor %}
                from
                    (
                        select
                            bases.property_key,
                            bases.cell_key,
                            bases.gap_days,
                            {%- for total in position_totals() %}
                                bases.{{ total }} as base_{{ total }},
                            {%- endfor %}
                            {{ window_totals() }}
                        from
                            {{ ref('int_link__measure_bases') }} as bases
                            {{ join_window('bases', span='units') }}
                        where
                            bases.property_key = units.property_key
                            and bases.event_date = units.event_date
                            and bases.page_key = units.page_key
                            and bases.depth = units.depth
                            and bases.is_measured
                    ) as checked
                where
                    checked.property_key = units.property_key
                    and 2 * checked.measured_count
                    >= {{ expected_checks('units.begin_day', 'units.end_day', 'checked.gap_days') }}
                group by checked.property_key, checked.cell_key
                -- A page that no check found in the week before is nowhere to move from.
                having sum(checked.base_ranked_count) > 0
            ) as means
    )

select
    property_key,
    event_date,
    cell_key,
    page_key,
    event_key,
    {%- for outcome in check_outcomes %}
        {%- if outcome['name'] in ('log_position', 'position') %} base_{{ outcome['name'] }},
        {%- else %}
            case
                when role <> 'control' then base_{{ outcome['name'] }}
            end as base_{{ outcome['name'] }},
        {%- endif %}
        window_{{ outcome['name'] }} - base_{{ outcome['name'] }} as {{ outcome['name'] }}_change,
    {%- endfor %}
    {%- for part in ['base', 'window'] %}
        {%- for count in counts %} {{ part }}_{{ count }}_count, {%- endfor %}
    {%- endfor %}
    sample_no,
    keyword_count,
    is_onpage_changed,
    is_onpage_unknown,
    role,
    topic
from measured
