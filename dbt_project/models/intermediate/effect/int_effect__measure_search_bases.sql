{{
    config(
        materialized='table',
        indexes=[{'columns': ['property_key', 'event_date', 'page_key']}],
    )
}}

with
    affected as (select * from {{ ref('int_link__list_affected_cells') }}),

    last_days as (
        select property_key, max(day) as last_day
        from {{ ref('int_effect__sum_searches') }}
        group by property_key
    ),

    -- Every page has a total on the last day. The sums are read twice and are no CTE: one that
    -- is named twice Citus gathers, and knows no longer where its rows lie.
    pages as (
        select sums.property_key, sums.page_key, pages.topic, sums.first_day
        from {{ ref('int_effect__sum_searches') }} as sums
        inner join
            last_days
            on last_days.property_key = sums.property_key
            and last_days.last_day = sums.day
        inner join
            {{ ref('dim_page') }} as pages
            on pages.property_key = sums.property_key
            and pages.page_key = sums.page_key
    ),

    base as (select begin_day, end_day from {{ ref('link_windows') }} where window_name = 'base'),

    units as (
        select pages.property_key, pages.page_key, pages.topic, affected.event_date, base.*
        from pages
        inner join
            affected
            on affected.property_key = pages.property_key
            and affected.topic = pages.topic
            and affected.event_date > pages.first_day
        cross join base
        order by pages.property_key, pages.topic, pages.page_key, affected.event_date
    ),

    measured as (
        select
            units.property_key,
            units.event_date,
            units.page_key,
            units.topic,
            units.end_day - units.begin_day + 1 as expected_count,
            {{ window_totals(search_totals()) }}
        from units {{ join_window('units', 'int_effect__sum_searches', 'page_key') }}
    )

-- A page that was not shown in the week before is nowhere to move from.
select *
from measured
where 2 * measured_count >= expected_count and ranked_count > 0
