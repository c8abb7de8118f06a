{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_topics() }}',
    )
}}

{%- set columns = 'property_key, topic, sample_no, level, cut, panel' %}

with
    topics as (select * from {{ ref('int_effect__list_affected_topics') }}),

    shared as (
        select sums.*
        from topics
        cross join
            lateral(
                select *
                from
                    (
                        select
                            {{ columns }},
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
                        from {{ ref('fct_link_effect_page') }} as followed
                        inner join
                            {{ ref('fct_link_effect_page') }} as nofollow using (
                                {{ columns }}, page_key
                            )
                        where
                            followed.property_key = topics.property_key
                            and followed.topic = topics.topic
                            and followed.sample_no = any(topics.sample_nos)
                            and nofollow.sample_no = any(topics.sample_nos)
                            and followed.arm = 'acquired_followed'
                            and nofollow.arm = 'acquired_nofollow'
                        group by {{ columns }}
                    ) as shared_pages
                -- A control of both arms is one row, and a page one cluster, of their difference.
                left join
                    (
                        select
                            {{ columns }},
                            count(*)::integer as shared_cell_count,
                            sum(followed.control_count)::integer as shared_control_count
                        from {{ ref('fct_link_effect_cell') }} as followed
                        inner join
                            {{ ref('fct_link_effect_cell') }} as nofollow using (
                                {{ columns }}, cell_key
                            )
                        where
                            followed.property_key = topics.property_key
                            and followed.topic = topics.topic
                            and followed.sample_no = any(topics.sample_nos)
                            and nofollow.sample_no = any(topics.sample_nos)
                            and followed.arm = 'acquired_followed'
                            and nofollow.arm = 'acquired_nofollow'
                        group by {{ columns }}
                    ) as shared_cells using ({{ columns }})
                where shared_pages.property_key = topics.property_key
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
