{#- Merging would sort by names, which takes longer than all the rest. -#}
{{ config(materialized='table', pre_hook='set local enable_mergejoin = off') }}

{%- set group_columns = ['panel', 'cut', 'level', 'sample_no'] %}

with
    -- A control of both arms is one row, and a page one cluster, of their difference.
    shared_cells as (
        select
            followed.property_key,
            {%- for column in group_columns %} followed.{{ column }}, {%- endfor %}
            count(*)::integer as shared_cell_count,
            sum(followed.control_count)::integer as shared_control_count
        from {{ ref('int_effect__average_treated') }} as followed
        inner join
            {{ ref('int_effect__average_treated') }} as nofollow
            on nofollow.property_key = followed.property_key
            and nofollow.cell_key = followed.cell_key
            {%- for column in group_columns %}
                and nofollow.{{ column }} = followed.{{ column }}
            {%- endfor %}
        where followed.arm = 'acquired_followed' and nofollow.arm = 'acquired_nofollow'
        group by
            followed.property_key
            {%- for column in group_columns %}, followed.{{ column }} {%- endfor %}
    ),

    shared_pages as (
        select
            followed.property_key,
            {%- for column in group_columns %} followed.{{ column }}, {%- endfor %}
            count(*)::integer as shared_cluster_count,
            {%- for weighting in weightings() %}
                {%- set w = weighting['name'] %}
                sum(
                    followed.{{ w }}_leverage * nofollow.{{ w }}_leverage
                ) as {{ w }}_leverage_leverage,
                {%- for outcome in outcomes() %}
                    {%- set a = w ~ '_' ~ outcome['name'] %}
                    sum(followed.{{ a }} * nofollow.{{ a }}) as {{ a }}_score_score,
                    sum(followed.{{ a }} * nofollow.{{ w }}_leverage) as {{ a }}_score_leverage,
                    sum(
                        followed.{{ w }}_leverage * nofollow.{{ a }}
                    ) as {{ a }}_leverage_score{{ ',' if not loop.last }}
                {%- endfor %}
                {{- ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('int_effect__score_pages') }} as followed
        inner join
            {{ ref('int_effect__score_pages') }} as nofollow
            on nofollow.property_key = followed.property_key
            and nofollow.page_key = followed.page_key
            {%- for column in group_columns %}
                and nofollow.{{ column }} = followed.{{ column }}
            {%- endfor %}
        where followed.arm = 'acquired_followed' and nofollow.arm = 'acquired_nofollow'
        group by
            followed.property_key
            {%- for column in group_columns %}, followed.{{ column }} {%- endfor %}
    )

select
    shared_pages.property_key,
    {%- for column in group_columns %} shared_pages.{{ column }}, {%- endfor %}
    figures.outcome,
    figures.weighting,
    shared_pages.shared_cluster_count,
    coalesce(shared_cells.shared_cell_count, 0) as shared_cell_count,
    coalesce(shared_cells.shared_control_count, 0) as shared_control_count,
    figures.score_score_sum,
    figures.score_leverage_sum,
    figures.leverage_score_sum,
    figures.leverage_leverage_sum
from shared_pages
left join
    shared_cells on shared_cells.property_key = shared_pages.property_key
    {%- for column in group_columns %}
        and shared_cells.{{ column }} = shared_pages.{{ column }}
    {%- endfor %}
    {{ by_outcome([
    ('score_score_sum', 'shared_pages.{a}_score_score'),
    ('score_leverage_sum', 'shared_pages.{a}_score_leverage'),
    ('leverage_score_sum', 'shared_pages.{a}_leverage_score'),
    ('leverage_leverage_sum', 'shared_pages.{w}_leverage_leverage'),
]) }}
where figures.score_score_sum is not null
