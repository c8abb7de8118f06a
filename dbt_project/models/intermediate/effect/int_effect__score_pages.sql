{{
    config(
        materialized='table',
        indexes=[{'columns': ['property_key', 'sample_no', 'page_key']}],
    )
}}

{#- With d~ = d - n1/n and dy~ = dy - mean of the cell, a row's score is w~ d~ (dy~ - b d~): linear in the estimate b,
    so that sums of w~ d~ dy~ and of w~ d~^2 by page suffice for its variance, whatever b turns out to be. -#}
{%- set group_columns = 'property_key, panel, cut, level, arm, sample_no, page_key' %}

with
    cells as (
        select
            *,
            treated_count::double precision / (treated_count + control_count) as treated_share,
            {%- for outcome in outcomes() %}
                (
                    treated_count * {{ outcome['name'] }}_change
                    + control_count * control_{{ outcome['name'] }}_change
                ) / (
                    treated_count + control_count
                ) as mean_{{ outcome['name'] }}_change{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('int_effect__average_treated') }}
    ),

    units as (select * from {{ ref('int_effect__measure_units') }} where not is_onpage_changed),

    treated_scores as (
        select
            cells.property_key,
            cells.panel,
            cells.cut,
            cells.level,
            cells.arm,
            cells.sample_no,
            units.page_key,
            count(*)::integer as treated_count,
            count(*)::integer as row_count,
            {%- for weighting in weightings() %}
                sum(
                    (1 - treated_share) * (1 - treated_share) * {{ weighting['row'] }}
                ) as {{ weighting['name'] }}_leverage,
                {%- for outcome in outcomes() %}
                    sum(
                        (1 - treated_share)
                        * (units.{{ outcome['name'] }}_change - mean_{{ outcome['name'] }}_change)
                        * {{ weighting['row'] }}
                    ) as {{ weighting['name'] }}_{{ outcome['name'] }}{{ ',' if not loop.last }}
                {%- endfor %}
                {{- ',' if not loop.last }}
            {%- endfor %}
        from cells
        cross join lateral unnest(cells.event_keys) as event(event_key)
        inner join
            units
            on units.property_key = cells.property_key
            and units.cell_key = cells.cell_key
            and units.sample_no = cells.sample_no
            and units.event_key = event.event_key
        group by
            cells.property_key,
            cells.panel,
            cells.cut,
            cells.level,
            cells.arm,
            cells.sample_no,
            units.page_key
    ),

    control_scores as (
        select
            cells.property_key,
            cells.panel,
            cells.cut,
            cells.level,
            cells.arm,
            cells.sample_no,
            units.page_key,
            0 as treated_count,
            count(*)::integer as row_count,
            {%- for weighting in weightings() %}
                sum(
                    treated_share * treated_share * {{ weighting['row'] }}
                ) as {{ weighting['name'] }}_leverage,
                {%- for outcome in outcomes() %}
                    sum(
                        - treated_share
                        * (units.{{ outcome['name'] }}_change - mean_{{ outcome['name'] }}_change)
                        * {{ weighting['row'] }}
                    ) as {{ weighting['name'] }}_{{ outcome['name'] }}{{ ',' if not loop.last }}
                {%- endfor %}
                {{- ',' if not loop.last }}
            {%- endfor %}
        from units
        inner join
            cells
            on cells.property_key = units.property_key
            and cells.cell_key = units.cell_key
            and cells.sample_no = units.sample_no
        where units.role = 'control'
        group by
            cells.property_key,
            cells.panel,
            cells.cut,
            cells.level,
            cells.arm,
            cells.sample_no,
            units.page_key
    ),

    scores as (
        select *
        from treated_scores
        union all
        select *
        from control_scores
    )

select
    {{ group_columns }},
    sum(treated_count)::integer as treated_count,
    sum(row_count)::integer as row_count,
    {%- for weighting in weightings() %}
        sum({{ weighting['name'] }}_leverage) as {{ weighting['name'] }}_leverage,
        {%- for outcome in outcomes() %}
            sum(
                {{ weighting['name'] }}_{{ outcome['name'] }}
            ) as {{ weighting['name'] }}_{{ outcome['name'] }}{{ ',' if not loop.last }}
        {%- endfor %}
        {{- ',' if not loop.last }}
    {%- endfor %}
from scores
group by {{ group_columns }}
