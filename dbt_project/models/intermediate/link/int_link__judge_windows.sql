{{ config(materialized='ephemeral') }}

with
    windows as (select * from {{ ref('int_link__compare_windows') }}),

    affected_dates as (
        select distinct property_key, event_date from {{ ref('int_link__list_affected_cells') }}
    ),

    samples as ({{ samples_of_windows() }}),

    neighbours as (select * from {{ ref('int_link__count_neighbours') }}),

    base as (select begin_day, end_day from {{ ref('link_windows') }} where window_name = 'base'),

    updates as (
        select begins_on, coalesce(ends_on, 'infinity') as ends_on
        from {{ ref('dim_google_update') }}
        where is_confounder
    ),

    -- Updates of Google that touch the days from the base to the window's end.
    -- Of a window before the base: from its begin.
    spanned as (
        select
            affected_dates.property_key,
            affected_dates.event_date,
            samples.sample_no,
            updates.begins_on <= affected_dates.event_date + base.end_day
            and updates.ends_on >= affected_dates.event_date + base.begin_day as is_in_base,
            updates.begins_on <= affected_dates.event_date + samples.end_day
            and updates.ends_on >= affected_dates.event_date + samples.begin_day as is_in_window
        from affected_dates
        cross join samples
        cross join base
        inner join
            updates
            on updates.begins_on
            <= affected_dates.event_date + greatest(base.end_day, samples.end_day)
            and updates.ends_on
            >= affected_dates.event_date + least(base.begin_day, samples.begin_day)
    ),

    confounders as (
        select
            property_key,
            event_date,
            sample_no,
            bool_or(is_in_base) as has_update_in_base,
            bool_or(is_in_window) as has_update_in_window,
            bool_or(not is_in_base and not is_in_window) as has_update_between
        from spanned
        group by property_key, event_date, sample_no
    )

select
    windows.*,
    neighbours.other_link_count,
    coalesce(confounders.has_update_in_base, false) as has_update_in_base,
    coalesce(confounders.has_update_in_window, false) as has_update_in_window,
    coalesce(confounders.has_update_between, false) as has_update_between,
    coalesce(
        windows.change_date <= windows.event_date + windows.horizon_day, false
    ) as is_onpage_changed,
    coalesce(
        windows.watched_until_date < windows.event_date + windows.horizon_day, true
    ) as is_unwatched,
    coalesce(
        windows.event_date + windows.horizon_day > windows.known_until_date, true
    ) as is_future_incomplete
from windows
inner join
    neighbours
    on neighbours.property_key = windows.property_key
    and neighbours.event_key = windows.event_key
    and neighbours.horizon_day = windows.horizon_day
left join
    confounders
    on confounders.property_key = windows.property_key
    and confounders.event_date = windows.event_date
    and confounders.sample_no = windows.sample_no
