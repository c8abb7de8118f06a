{#- Outcomes of a panel: published name, its column in int_effect__measure_units, and whether checks or searches tell it. -#}
{% macro outcomes() -%}
    {{- return([
        {'name': 'log_position', 'total': 'log_position_sum', 'scale': 1000000000000, 'of': 'checks'},
        {'name': 'position', 'total': 'position_sum', 'scale': 1, 'of': 'checks'},
        {'name': 'expected_ctr', 'total': 'expected_ctr_sum', 'scale': 1000000000000, 'of': 'checks'},
        {'name': 'top_10_share', 'total': 'top_10_count', 'scale': 1, 'of': 'checks'},
        {'name': 'ranked_share', 'total': 'ranked_value_count', 'scale': 1, 'of': 'checks'},
        {'name': 'click_log', 'total': 'click_log_sum', 'scale': 1000000000000, 'of': 'searches'},
        {'name': 'impression_log', 'total': 'impression_log_sum', 'scale': 1000000000000, 'of': 'searches'},
    ]) -}}
{%- endmacro %}

{#- Weightings of cells: by variance (n1 n0 / n), and equal by event (n1). Weight of a cell, and of a row of it. -#}
{% macro weightings() -%}
    {{- return([
        {
            'name': 'variance',
            'cell': 'treated_count::double precision * control_count / (treated_count + control_count)',
            'row': '1',
        },
        {
            'name': 'equal',
            'cell': 'treated_count::double precision',
            'row': '(treated_count + control_count)::double precision / control_count',
        },
    ]) -}}
{%- endmacro %}

{#-
What a cell adds to the squared error of the weighted sum of effects, at a variance of 1 between its pages: w^2 (1/n1 + 1/n0).
-#}
{% macro squared_error(weighting) -%}
    ({{ weighting['cell'] }}) ^ 2
    * (1 / treated_count::double precision + 1 / control_count::double precision)
{%- endmacro %}

{#- Mean of an outcome over the days of a window that have a value; totals of `unit`, whose names begin with `part`. -#}
{% macro window_mean(unit, outcome, part='') -%}
    {{ unit }}.{{ part }}{{ outcome['total'] }}::double precision
    / {{ outcome['scale'] }} / {{ unit }}.{{ part }}value_count
{%- endmacro %}

{#-
Columns of outcomes and weightings as rows: a cross join with columns outcome, weighting and the named figures. Each figure is
(name, relation.column), in which {a} stands for weighting_outcome, {o} for the outcome and {w} for the weighting.
-#}
{% macro by_outcome(figures) -%}
    cross join
        lateral(
            values
                {%- for outcome in outcomes() %}
                    {%- set is_last_outcome = loop.last %}
                    {%- for weighting in weightings() %}
                        {%- set o, w = outcome['name'], weighting['name'] %}
                        (
                            '{{ o }}',
                            '{{ w }}'
                            {%- for name, column in figures %},
                                {{ column | replace('{a}', w ~ '_' ~ o) | replace('{o}', o) | replace('{w}', w) }}
                            {%- endfor %}
                        ){{ ',' if not (is_last_outcome and loop.last) }}
                    {%- endfor %}
                {%- endfor %}
        ) as figures(outcome, weighting{% for name, column in figures %}, {{ name }}{% endfor %})
{%- endmacro %}

{#- Sums by outcome and weighting of int_effect__sum_topics. -#}
{% macro effect_sums() -%}
    {%- set names = [] -%}
    {%- for weighting in weightings() -%}
        {%- do names.append(weighting['name'] ~ '_weight') -%}
        {%- do names.append(weighting['name'] ~ '_leverage_square') -%}
        {%- do names.append(weighting['name'] ~ '_lone') -%}
        {%- for outcome in outcomes() -%}
            {%- for of in ['effect', 'square', 'cross', 'noise'] -%}
                {%- do names.append(weighting['name'] ~ '_' ~ outcome['name'] ~ '_' ~ of) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for outcome in outcomes() -%}
        {%- do names.append(outcome['name'] ~ '_base') -%}
        {%- do names.append(outcome['name'] ~ '_deviation') -%}
    {%- endfor -%}
    {{- return(names) -}}
{%- endmacro %}

{#- Why a rank change cannot be judged: name and condition, in the order in which they are asked. The first that holds is given. -#}
{% macro change_reasons() -%}
    {{- return([
        {'name': 'same_event', 'when': 'not is_event'},
        {'name': 'uncertain_date', 'when': 'is_uncertain_date'},
        {'name': 'index_change', 'when': 'is_index_change'},
        {'name': 'short_history', 'when': 'is_history_short'},
        {'name': 'future_incomplete', 'when': 'is_future_incomplete'},
        {'name': 'unmeasured', 'when': 'not is_base_measured or not is_window_measured'},
        {'name': 'not_ranking', 'when': 'base_ranked_count = 0'},
        {'name': 'other_link', 'when': 'other_link_count > 0'},
        {'name': 'onpage_change', 'when': 'is_onpage_changed'},
        {'name': 'no_controls', 'when': 'control_count = 0'},
    ]) -}}
{%- endmacro %}
