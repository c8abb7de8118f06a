{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_topics() }}',
    )
}}

{%- set group_columns = ['sample_no', 'level', 'cut', 'panel'] %}

with
    topics as (select * from {{ ref('int_effect__list_affected_topics') }}),

    shared as (
        select topics.property_key, topics.topic, sums.*
        from topics
        cross join
            lateral(
                with
                    cells as materialized(
                        select cell_key, arm, control_count, {{ group_columns | join(', ') }}
                        from {{ ref('fct_link_effect_cell') }} as cells
                        where
                            cells.property_key = topics.property_key
                            and cells.topic = topics.topic
                            and cells.sample_no = any(topics.sample_nos)
                    ),

                    pages as materialized(
                        select *
                        from {{ ref('fct_link_effect_page') }} as pages
                        where
                            pages.property_key = topics.property_key
                            and pages.topic = topics.topic
                            and pages.sample_no = any(topics.sample_nos)
                    ),

                    -- A control of both arms is one row, and a page one cluster, of their
                    -- difference.
                    shared_cells as (
                        select
                            {{ group_columns | join(', ') }},
                            count(*)::integer as shared_cell_count,
                            sum(followed.control_count)::integer as shared_control_count
                        from cells as followed
                        inner join
                            cells as nofollow using (cell_key, {{ group_columns | join(', ') }})
                        where
                            followed.arm = 'acquired_followed'
                            and nofollow.arm = 'acquired_nofollow'
                        group by {{ group_columns | join(', ') }}
                    ),

                    shared_pages as (
                        select
                            {{ group_columns | join(', ') }},
                            count(*)::integer as shared_cluster_count,
                            {%- for weighting in weightings() %}
                                {%- set w = weighting['name'] %}
                                sum(
                                    followed.{{ w }}_leverage * nofollow.{{ w }}_leverage
                                ) as {{ w }}_leverage_leverage,
                                {%- for outcome in outcomes() %}
                                    {%- set a = w ~ '_' ~ outcome['name'] %}
                                    sum(followed.{{ a }} * nofollow.{{ a }}) as {{ a }}_score_score,
                                    sum(
                                        followed.{{ a }} * nofollow.{{ w }}_leverage
                                    ) as {{ a }}_score_leverage,
                                    sum(
                                        followed.{{ w }}_leverage * nofollow.{{ a }}
                                    ) as {{ a }}_leverage_score{{ ',' if not loop.last }}
                                {%- endfor %}
                                {{- ',' if not loop.last }}
                            {%- endfor %}
                        from pages as followed
                        inner join
                            pages as nofollow using (page_key, {{ group_columns | join(', ') }})
                        where
                            followed.arm = 'acquired_followed'
                            and nofollow.arm = 'acquired_nofollow'
                        group by {{ group_columns | join(', ') }}
                    )

                select *
                from shared_pages
                left join shared_cells using ({{ group_columns | join(', ') }})
            ) as sums
    )

select
    shared.property_key,
    shared.topic,
    shared.panel,
    shared.cut,
    shared.level,
    shared.sample_no,
    figures.outcome,
    figures.weighting,
    shared.shared_cluster_count,
    coalesce(shared.shared_cell_count, 0) as shared_cell_count,
    coalesce(shared.shared_control_count, 0) as shared_control_count,
    figures.score_score_sum,
    figures.score_leverage_sum,
    figures.leverage_score_sum,
    figures.leverage_leverage_sum
from
    shared
    {{ by_outcome([
    ('score_score_sum', 'shared.{a}_score_score'),
    ('score_leverage_sum', 'shared.{a}_score_leverage'),
    ('leverage_score_sum', 'shared.{a}_leverage_score'),
    ('leverage_leverage_sum', 'shared.{w}_leverage_leverage'),
]) }}
where figures.score_score_sum is not null
