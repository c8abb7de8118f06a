{#- Merging would sort by names, which takes longer than all the rest. -#}
{{ config(materialized='table', pre_hook='set local enable_mergejoin = off') }}

with
    weeks as (
        select sample_no
        from {{ ref('int_effect__list_samples') }}
        where end_day < -7 and not is_placebo
    ),

    scores as (
        select scores.*
        from {{ ref('int_effect__score_pages') }} as scores
        inner join weeks on weeks.sample_no = scores.sample_no
        where scores.cut = 'all'
    ),

    pairs as (
        select
            one.property_key,
            one.panel,
            one.arm,
            one.sample_no,
            other.sample_no as other_sample_no,
            {%- for weighting in weightings() %}
                {%- set w = weighting['name'] %}
                sum(one.{{ w }}_leverage * other.{{ w }}_leverage) as {{ w }}_leverage_leverage,
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
        from scores as one
        inner join
            scores as other
            on other.property_key = one.property_key
            and other.panel = one.panel
            and other.arm = one.arm
            and other.page_key = one.page_key
            and other.sample_no > one.sample_no
        group by one.property_key, one.panel, one.arm, one.sample_no, other.sample_no
    )

select
    pairs.property_key,
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
