{{ config(materialized='ephemeral') }}

with
    headline as (
        select sample_no from {{ ref('int_effect__list_samples') }} where window_name = 'headline'
    ),

    -- Each panel has one of the two outcomes.
    controls as (
        select
            controls.property_key,
            controls.cell_key,
            controls.panel,
            controls.control_count,
            figures.outcome,
            figures.change,
            figures.variance
        from {{ ref('int_effect__average_controls') }} as controls
        inner join headline on headline.sample_no = controls.sample_no
        cross join
            lateral(
                values
                    ('log_position', controls.log_position_change, controls.log_position_variance),
                    ('click_log', controls.click_log_change, controls.click_log_variance)
            ) as figures(outcome, change, variance)
        where figures.change is not null
    ),

    units as (
        select
            units.property_key,
            units.cell_key,
            units.event_key,
            units.role as arm,
            figures.outcome,
            figures.base,
            figures.change
        from {{ ref('int_effect__measure_units') }} as units
        inner join headline on headline.sample_no = units.sample_no
        cross join
            lateral(
                values
                    ('log_position', units.base_log_position, units.log_position_change),
                    ('click_log', units.base_click_log, units.click_log_change)
            ) as figures(outcome, base, change)
        where
            units.event_key is not null
            and not units.is_onpage_changed
            and figures.change is not null
    ),

    -- Control pages of a cell wander. Where there is one, all of the arm's tell how much.
    spreads as (
        select
            controls.property_key,
            controls.panel,
            treated.arm,
            sum((controls.control_count - 1) * controls.variance)
            / nullif(sum(controls.control_count - 1), 0) as pooled_variance
        from controls
        inner join
            {{ ref('fct_link_effect_cell') }} as treated
            on treated.property_key = controls.property_key
            and treated.cell_key = controls.cell_key
            and treated.cut = 'all'
        inner join headline on headline.sample_no = treated.sample_no
        group by controls.property_key, controls.panel, treated.arm
    ),

    compared as (
        select
            units.property_key,
            controls.panel,
            units.event_key,
            units.outcome,
            units.base,
            units.base + units.change as reached,
            controls.change as control_change,
            controls.control_count,
            units.change - controls.change as effect,
            coalesce(controls.variance, spreads.pooled_variance) as control_variance
        from units
        inner join
            controls
            on controls.property_key = units.property_key
            and controls.cell_key = units.cell_key
            and controls.outcome = units.outcome
        inner join
            spreads
            on spreads.property_key = controls.property_key
            and spreads.panel = controls.panel
            and spreads.arm = units.arm
    )

-- A link whose page is checked in several places is their mean. Their errors go together.
select
    property_key,
    panel,
    event_key,
    outcome,
    avg(base) as base_mean,
    avg(reached) as window_mean,
    avg(control_change) as control_change,
    sum(control_count)::integer as control_count,
    avg(effect) as own_effect,
    avg(control_variance * (1 + 1.0 / control_count)) as own_variance
from compared
group by property_key, panel, event_key, outcome
