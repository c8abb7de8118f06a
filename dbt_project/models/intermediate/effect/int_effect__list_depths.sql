{{
    config(
        materialized='table',
        indexes=[{'columns': ['property_key', 'event_date', 'sample_no'], 'unique': True}],
    )
}}

with
    dates as (
        select distinct property_key, event_date from {{ ref('int_link__list_affected_cells') }}
    ),

    base as (select begin_day, end_day from {{ ref('link_windows') }} where window_name = 'base'),

    samples as (select * from {{ ref('int_effect__list_samples') }}),

    periods as (select * from {{ ref('stg_ops__panel_depth') }})

select
    dates.property_key, dates.event_date, samples.sample_no, min(periods.depth)::smallint as depth
from dates
cross join samples
cross join base
inner join
    periods
    on periods.property_key = dates.property_key
    and (
        (
            periods.from_date <= dates.event_date + base.end_day
            and periods.to_date > dates.event_date + base.begin_day
        )
        or (
            periods.from_date <= dates.event_date + samples.end_day
            and periods.to_date > dates.event_date + samples.begin_day
        )
    )
group by dates.property_key, dates.event_date, samples.sample_no
