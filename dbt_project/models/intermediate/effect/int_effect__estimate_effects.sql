{{ config(materialized='table') }}

{%- set group_columns = 'panel, cut, level, arm, sample_no, outcome, weighting' %}
{%- set sums = [
    'cell_count', 'treated_count', 'control_count', 'control_degree_count', 'event_count', 'cluster_count',
    'treated_cluster_count', 'onpage_unknown_count', 'updated_count', 'weight_sum', 'weighted_effect_sum', 'base_sum',
    'position_base_sum', 'score_square_sum', 'score_leverage_sum', 'leverage_square_sum', 'noise_sum', 'lone_sum',
    'deviation_sum',
] %}

with
    statistics as (select * from {{ ref('int_effect__sum_statistics') }}),

    pooled as (select property_key from {{ ref('stg_ops__property') }} where is_pooled),

    -- Cells never cross properties and neither do clusters, so that all properties together are a
    -- sum.
    summed as (
        select property_key, {{ group_columns }}, {{ sums | join(', ') }}
        from statistics
        union all
        select
            0,
            {{ group_columns }},
            {%- for total in sums %}
                sum(
                    {{ total }}
                ){{ '::integer' if total.endswith('_count') }}{{ ',' if not loop.last }}
            {%- endfor %}
        from statistics
        where property_key in (select property_key from pooled)
        group by {{ group_columns }}
    ),

    samples as (select * from {{ ref('int_effect__list_samples') }}),

    estimated as (
        select
            *,
            weighted_effect_sum / weight_sum as raw_estimate,
            treated_count + control_count as row_count,
            1 + cell_count as parameter_count,
            deviation_sum / nullif(control_degree_count, 0) as control_variance
        from summed
    ),

    erring as (
        select
            estimated.*,
            samples.window_name,
            samples.begin_day,
            samples.end_day,
            samples.horizon_day,
            samples.is_placebo,
            -- Of the placebo what happened before the event, as time goes: the week before it
            -- minus the weeks before that.
            case when samples.is_placebo then - raw_estimate else raw_estimate end as estimate,
            case
                when treated_cluster_count >= 2 and row_count > parameter_count
                then
                    sqrt(
                        greatest(
                            score_square_sum
                            - 2 * raw_estimate * score_leverage_sum
                            + raw_estimate * raw_estimate * leverage_square_sum,
                            0
                        )
                        * cluster_count
                        / (cluster_count - 1)
                        * (row_count - 1)
                        / (row_count - parameter_count)
                    )
                    / weight_sum
            end as standard_error,
            sqrt(noise_sum + lone_sum * control_variance) / weight_sum as control_standard_error
        from estimated
        inner join samples on samples.sample_no = estimated.sample_no
    ),

    -- Before the event there are no effects that differ between links: what the placebo errs by
    -- is chance alone, and grows as the controls' variance does until the window.
    compared as (
        select
            *,
            max(standard_error) filter (where is_placebo) over same_units as placebo_error,
            max(control_variance) filter (where is_placebo) over same_units as placebo_variance
        from erring
        window
            same_units as (
                partition by property_key, panel, cut, level, arm, outcome, weighting, horizon_day
            )
    )

select
    *,
    case
        when placebo_error is not null and placebo_variance > 0
        then
            greatest(
                placebo_error * sqrt(control_variance / placebo_variance), control_standard_error
            )
    end as sample_standard_error
from compared
