{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_topics(is_of_weeks=true) }}',
    )
}}

with
    weeks as ({{ crossed_samples() }}),

    -- They are made anew together.
    topics as (
        select property_key, topic
        from {{ ref('int_effect__list_affected_topics') }}
        where sample_nos && array(select sample_no from weeks)
    ),

    pairs as (
        select sums.*
        from topics
        cross join
            lateral(
                select
                    one.property_key,
                    one.topic,
                    one.panel,
                    one.arm,
                    one.sample_no,
                    other.sample_no as other_sample_no,
                    {%- for weighting in weightings() %}
                        {%- set w = weighting['name'] %}
                        sum(
                            one.{{ w }}_leverage * other.{{ w }}_leverage
                        ) as {{ w }}_leverage_leverage,
                        {%- for outcome in outcomes() %}
                            {%- set a = w ~ '_' ~ outcome['name'] %}
                            sum(one.{{ a }} * other.{{ a }}) as {{ a }}_score_score,
                            sum(one.{{ a }} * other.{{ w }}_leverage) as {{ a }}_score_leverage,
                            sum(
                                one.{{ w }}_leverage * other.{{ a }}
                            ) as {{ a }}_leverage_score{{ ',' if not loop.last }}
                        {%- endfor %}
                        {{- ',' if not loop.last }}
                    {%- endfor %}
                from {{ ref('fct_link_effect_page') }} as one
                inner join
                    {{ ref('fct_link_effect_page') }} as other
                    on other.property_key = one.property_key
                    and other.topic = one.topic
                    and other.page_key = one.page_key
                    and other.arm = one.arm
                    and other.panel = one.panel
                    and other.sample_no > one.sample_no
                where
                    one.property_key = topics.property_key
                    and one.topic = topics.topic
                    and one.cut = 'all'
                    and other.cut = 'all'
                    and one.sample_no in (select sample_no from weeks)
                    and other.sample_no in (select sample_no from weeks)
                group by
                    one.property_key, one.topic, one.sample_no, other.sample_no, one.arm, one.panel
            ) as sums
    )

select
    pairs.property_key,
    pairs.topic,
    pairs.panel,
    pairs.arm,
    pairs.sample_no,
    pairs.other_sample_no,
    figures.outcome,
    figures.weighting,
    figures.score_score_sum,
    figures.score_leverage_sum,
    figures.leverage_score_sum,
    figures.leverage_leverage_sum
from
    pairs
    {{ by_outcome([
    ('score_score_sum', 'pairs.{a}_score_score'),
    ('score_leverage_sum', 'pairs.{a}_score_leverage'),
    ('leverage_score_sum', 'pairs.{a}_leverage_score'),
    ('leverage_leverage_sum', 'pairs.{w}_leverage_leverage'),
]) }}
where figures.score_score_sum is not null
