{{
    config(
        materialized='table',
        indexes=[{'columns': ['property_key', 'panel', 'sample_no']}],
    )
}}

{%- set group_columns = 'property_key, panel, cut, level, arm, sample_no' %}
{%- set counts = [
    'cell_count', 'treated_count', 'control_count', 'control_degree_count', 'event_count', 'cluster_count', 'treated_cluster_count',
    'onpage_unknown_count', 'updated_count',
] %}

with
    -- Cells and pages never cross topics.
    summed as (
        select
            {{ group_columns }},
            {%- for count in counts %} sum({{ count }})::integer as {{ count }}, {%- endfor %}
            {%- for column in effect_sums() %}
                sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('int_effect__sum_topics') }}
        group by {{ group_columns }}
    )

select
    {{ group_columns }},
    figures.outcome,
    figures.weighting,
    {{ counts | join(', ') }},
    figures.weight_sum,
    figures.weighted_effect_sum,
    figures.base_sum,
    position_base as position_base_sum,
    figures.score_square_sum,
    figures.score_leverage_sum,
    figures.leverage_square_sum,
    figures.noise_sum,
    figures.lone_sum,
    figures.deviation_sum
from
    summed
    {{ by_outcome([
    ('weight_sum', '{w}_weight'),
    ('weighted_effect_sum', '{a}_effect'),
    ('base_sum', '{o}_base'),
    ('score_square_sum', '{a}_square'),
    ('score_leverage_sum', '{a}_cross'),
    ('leverage_square_sum', '{w}_leverage_square'),
    ('noise_sum', '{a}_noise'),
    ('lone_sum', '{w}_lone'),
    ('deviation_sum', '{o}_deviation'),
]) }}
where figures.weighted_effect_sum is not null
