{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_topics() }}',
    )
}}

{#- With d~ = d - n1/n and dy~ = dy - mean of the cell, a row's score is w~ d~ (dy~ - b d~): linear in the estimate b,
    so that sums of w~ d~ dy~ and of w~ d~^2 by page suffice for its variance, whatever b turns out to be. -#}
with topics as (select * from {{ ref('int_effect__list_affected_topics') }})

-- A page has one topic: topic by topic, so that no more than one topic's pages are held at once.
select scores.*
from topics
cross join
    lateral(
        select
            units.property_key,
            units.topic,
            cells.window_name,
            cells.horizon_day,
            cells.panel,
            cells.cut,
            cells.level,
            cells.arm,
            cells.sample_no,
            units.page_key,
            (count(*) filter (where units.event_key is not null))::integer as treated_count,
            count(*)::integer as row_count,
            {%- set residual = "((units.event_key is not null)::integer - cells.treated_share)" %}
            {%- for weighting in weightings() %}
                {%- set w = weighting['name'] %}
                sum({{ residual }} * {{ residual }} * cells.{{ w }}_weight) as {{ w }}_leverage,
                {%- for outcome in outcomes() %}
                    sum(
                        {{ residual }}
                        * (units.{{ outcome['name'] }}_change - cells.mean_{{ outcome['name'] }})
                        * cells.{{ w }}_weight
                    ) as {{ w }}_{{ outcome['name'] }}{{ ',' if not loop.last }}
                {%- endfor %}
                {{- ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('int_effect__measure_units') }} as units
        inner join
            (
                select
                    *,
                    treated_count::double precision
                    / (treated_count + control_count) as treated_share,
                    {%- for weighting in weightings() %}
                        {{ weighting['row'] }} as {{ weighting['name'] }}_weight,
                    {%- endfor %}
                    {%- for outcome in outcomes() %}
                        (
                            treated_count * {{ outcome['name'] }}_change
                            + control_count * control_{{ outcome['name'] }}_change
                        ) / (
                            treated_count + control_count
                        ) as mean_{{ outcome['name'] }}{{ ',' if not loop.last }}
                    {%- endfor %}
                from {{ ref('fct_link_effect_cell') }} as treated
            ) as cells
            on cells.property_key = units.property_key
            and cells.topic = units.topic
            and cells.cell_key = units.cell_key
            and cells.sample_no = units.sample_no
            and (units.event_key is null or units.event_key = any(cells.event_keys))
        where
            units.property_key = topics.property_key
            and units.topic = topics.topic
            and units.sample_no = any(topics.sample_nos)
            and not units.is_onpage_changed
        -- Numbers first: they sort fast.
        group by
            units.property_key,
            units.page_key,
            cells.sample_no,
            cells.arm,
            cells.level,
            cells.cut,
            cells.panel,
            units.topic,
            cells.window_name,
            cells.horizon_day
    ) as scores
