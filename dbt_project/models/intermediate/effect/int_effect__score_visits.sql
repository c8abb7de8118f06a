{%- set least_controls = 5 %}
{{ config(materialized='table') }}

with
    counted as (select * from {{ ref('int_effect__count_visits') }}),

    -- How the visits of a cell's controls change, from each window to the next.
    cells as (
        select
            property_key,
            bot,
            topic,
            event_date,
            sum(earlier_count)::double precision as earlier_sum,
            sum(base_count)::double precision as base_sum,
            sum(window_count)::double precision as window_sum
        from counted
        where arm = 'control'
        group by property_key, bot, topic, event_date
        having count(*) >= {{ least_controls }} and sum(base_count) > 0 and sum(earlier_count) > 0
    ),

    treated as (
        select counted.*, cells.earlier_sum, cells.base_sum, cells.window_sum
        from counted
        inner join
            cells
            on cells.property_key = counted.property_key
            and cells.bot = counted.bot
            and cells.topic = counted.topic
            and cells.event_date = counted.event_date
        where counted.arm <> 'control'
    ),

    treated_cells as (
        select
            property_key,
            bot,
            arm,
            topic,
            event_date,
            earlier_sum,
            base_sum,
            window_sum,
            sum(earlier_count)::double precision as treated_earlier_sum,
            sum(base_count)::double precision as treated_base_sum
        from treated
        group by property_key, bot, arm, topic, event_date, earlier_sum, base_sum, window_sum
    ),

    -- Linear in the ratio R, found - R expected, so that sums by page suffice for the variance of
    -- R.
    scored as (
        select
            property_key,
            bot,
            arm,
            page_key,
            event_key,
            base_count,
            window_count,
            window_count::double precision as found,
            base_count * window_sum / base_sum as expected,
            base_count::double precision as placebo_found,
            earlier_count * base_sum / earlier_sum as placebo_expected
        from treated
        union all
        select
            cells.property_key,
            cells.bot,
            cells.arm,
            counted.page_key,
            null,
            null,
            null,
            0,
            cells.treated_base_sum
            * (counted.window_count - cells.window_sum / cells.base_sum * counted.base_count)
            / cells.base_sum,
            0,
            cells.treated_earlier_sum
            * (counted.base_count - cells.base_sum / cells.earlier_sum * counted.earlier_count)
            / cells.earlier_sum
        from treated_cells as cells
        inner join
            counted
            on counted.property_key = cells.property_key
            and counted.bot = cells.bot
            and counted.topic = cells.topic
            and counted.event_date = cells.event_date
            and counted.arm = 'control'
    )

select *
from scored
