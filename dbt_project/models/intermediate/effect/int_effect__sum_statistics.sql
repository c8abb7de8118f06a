{{
    config(
        materialized='table',
        indexes=[{'columns': ['property_key', 'panel', 'sample_no']}],
    )
}}

{%- set group_columns = ['property_key', 'panel', 'cut', 'level', 'arm', 'sample_no'] %}

with
    updates as (
        select begins_on, coalesce(ends_on, 'infinity') as ends_on
        from {{ ref('dim_google_update') }}
        where is_confounder
    ),

    samples as (select * from {{ ref('int_effect__list_samples') }}),

    base as (select * from {{ ref('link_windows') }} where window_name = 'base'),

    -- Dates whose days from the week before to the window's end meet an update of Google's.
    updated_dates as (
        select distinct dates.property_key, dates.event_date, samples.sample_no
        from
            (
                select distinct property_key, event_date
                from {{ ref('int_effect__average_treated') }}
            ) as dates
        cross join samples
        cross join base
        inner join
            updates
            on updates.begins_on <= dates.event_date + greatest(base.end_day, samples.end_day)
            and updates.ends_on >= dates.event_date + least(base.begin_day, samples.begin_day)
    ),

    cells as (
        select treated.*, updated_dates.event_date is not null as is_updated
        from {{ ref('int_effect__average_treated') }} as treated
        left join
            updated_dates
            on updated_dates.property_key = treated.property_key
            and updated_dates.event_date = treated.event_date
            and updated_dates.sample_no = treated.sample_no
    ),

    cell_sums as (
        select
            {{ group_columns | join(', ') }},
            count(*)::integer as cell_count,
            sum(treated_count)::integer as treated_count,
            sum(control_count)::integer as control_count,
            sum(onpage_unknown_count)::integer as onpage_unknown_count,
            coalesce(sum(treated_count) filter (where is_updated), 0)::integer as updated_count,
            {%- for weighting in weightings() %}
                sum({{ weighting['cell'] }}) as {{ weighting['name'] }}_weight,
            {%- endfor %}
            {%- for outcome in outcomes() %}
                {%- for weighting in weightings() %}
                    sum(
                        ({{ weighting['cell'] }})
                        * ({{ outcome['name'] }}_change - control_{{ outcome['name'] }}_change)
                    ) as {{ weighting['name'] }}_{{ outcome['name'] }}_effect,
                {%- endfor %}
                sum(
                    treated_count * base_{{ outcome['name'] }}
                ) as {{ outcome['name'] }}_base{{ ',' if not loop.last }}
            {%- endfor %}
        from cells
        group by {{ group_columns | join(', ') }}
    ),

    event_counts as (
        select
            {{ group_columns | join(', ') }},
            count(distinct event.event_key)::integer as event_count
        from cells
        cross join lateral unnest(cells.event_keys) as event(event_key)
        group by {{ group_columns | join(', ') }}
    ),

    score_sums as (
        select
            {{ group_columns | join(', ') }},
            count(*)::integer as cluster_count,
            (count(*) filter (where treated_count > 0))::integer as treated_cluster_count,
            {%- for weighting in weightings() %}
                {%- set b = weighting['name'] ~ '_leverage' %}
                sum({{ b }} * {{ b }}) as {{ weighting['name'] }}_leverage_square,
                {%- for outcome in outcomes() %}
                    {%- set a = weighting['name'] ~ '_' ~ outcome['name'] %}
                    sum({{ a }} * {{ a }}) as {{ a }}_square,
                    sum({{ a }} * {{ b }}) as {{ a }}_cross{{ ',' if not loop.last }}
                {%- endfor %}
                {{- ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('int_effect__score_pages') }}
        group by {{ group_columns | join(', ') }}
    )

select
    {%- for column in group_columns %} cell_sums.{{ column }}, {%- endfor %}
    figures.outcome,
    figures.weighting,
    cell_sums.cell_count,
    cell_sums.treated_count,
    cell_sums.control_count,
    event_counts.event_count,
    score_sums.cluster_count,
    score_sums.treated_cluster_count,
    cell_sums.onpage_unknown_count,
    cell_sums.updated_count,
    figures.weight_sum,
    figures.weighted_effect_sum,
    figures.base_sum,
    cell_sums.position_base as position_base_sum,
    figures.score_square_sum,
    figures.score_leverage_sum,
    figures.leverage_square_sum
from cell_sums
inner join
    score_sums on score_sums.property_key = cell_sums.property_key
    {%- for column in group_columns[1:] %}
        and score_sums.{{ column }} = cell_sums.{{ column }}
    {%- endfor %}
inner join
    event_counts on event_counts.property_key = cell_sums.property_key
    {%- for column in group_columns[1:] %}
        and event_counts.{{ column }} = cell_sums.{{ column }}
    {%- endfor %}
    {{ by_outcome([
    ('weight_sum', 'cell_sums.{w}_weight'),
    ('weighted_effect_sum', 'cell_sums.{a}_effect'),
    ('base_sum', 'cell_sums.{o}_base'),
    ('score_square_sum', 'score_sums.{a}_square'),
    ('score_leverage_sum', 'score_sums.{a}_cross'),
    ('leverage_square_sum', 'score_sums.{w}_leverage_square'),
]) }}
where figures.weighted_effect_sum is not null
