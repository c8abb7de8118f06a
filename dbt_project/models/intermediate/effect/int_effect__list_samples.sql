with
    windows as (
        select *, window_name = 'burst' as is_burst
        from {{ ref('link_windows') }}
        where window_name <> 'base'
    ),

    headline as (select end_day from windows where window_name = 'headline'),

    placebo as (select * from windows where window_name = 'placebo'),

    -- One sample for all windows that end by the headline's end, and for the placebo; a later
    -- window has a sample of its own, which must stay undisturbed to its own end, and the
    -- placebo is measured on that sample too. That of a burst is of bursts alone.
    samples as (
        select
            windows.window_name,
            windows.begin_day,
            windows.end_day,
            greatest(windows.end_day, headline.end_day) as horizon_day,
            windows.is_burst
        from windows
        cross join headline
        union all
        select
            placebo.window_name,
            placebo.begin_day,
            placebo.end_day,
            windows.end_day as horizon_day,
            windows.is_burst
        from placebo
        cross join headline
        inner join windows on windows.end_day > headline.end_day
    )

select
    (row_number() over (order by is_burst, horizon_day, begin_day, end_day))::smallint as sample_no,
    window_name,
    begin_day,
    end_day,
    horizon_day,
    window_name = 'placebo' as is_placebo,
    is_burst
from samples
