{{ config(materialized='table') }}

with
    windows as (
        select
            base.begin_day as base_begin,
            base.end_day as base_end,
            headline.begin_day as window_begin,
            headline.end_day as window_end
        from {{ ref('link_windows') }} as base
        cross join {{ ref('link_windows') }} as headline
        where base.window_name = 'base' and headline.window_name = 'headline'
    ),

    -- Weeks that a link tells in, numbered from 1970-01-01.
    met as (
        select gained.*, windows.*, date '1970-01-01' + 7 * numbers.week_no as thursday
        from {{ ref('int_effect__weigh_exposures') }} as gained
        cross join windows
        cross join
            lateral generate_series(
                (gained.event_date - windows.window_end + 6 - date '1970-01-01') / 7,
                (gained.event_date - windows.base_begin + windows.window_begin - date '1970-01-01')
                / 7
            ) as numbers(week_no)
    ),

    -- A link is taken to tell more from day to day until the headline begins: by how much more of
    -- it is told in the window than in the week before.
    told as (
        select
            met.property_key,
            met.topic,
            met.thursday,
            met.event_key,
            met.exposure
            * (shares.in_window - shares.in_base)::double precision
            / met.window_begin as exposure
        from met
        cross join
            lateral(
                select
                    avg(days.told) filter (where days.day >= met.window_begin) as in_window,
                    avg(days.told) filter (where days.day <= met.base_end) as in_base
                from
                    (
                        select
                            shift.day,
                            least(
                                greatest(met.thursday + shift.day - met.event_date, 0),
                                met.window_begin
                            ) as told
                        from generate_series(met.base_begin, met.window_end) as shift(day)
                    ) as days
            ) as shares
    )

select property_key, topic, thursday as event_date, sum(exposure order by event_key) as exposure
from told
group by property_key, topic, thursday
