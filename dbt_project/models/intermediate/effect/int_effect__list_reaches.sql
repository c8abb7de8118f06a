with
    samples as (select * from {{ ref('int_effect__list_samples') }}),

    windows as (select * from {{ ref('link_windows') }}),

    -- The week before is in all samples.
    of_windows as (
        select samples.sample_no, windows.begin_day, windows.end_day
        from samples
        inner join windows on windows.window_name in (samples.window_name, 'base')
    ),

    of_all as (
        select
            samples.sample_no,
            samples.horizon_day,
            samples.is_burst,
            spans.first_day as first_window_day,
            spans.last_day as last_window_day
        from samples
        cross join
            (select min(begin_day) as first_day, max(end_day) as last_day from windows) as spans
    )

-- A value is in the windows that contain its day, or a day to which it is carried, once they have
-- ended.
select
    'value' as kind,
    sample_no,
    end_day as before_days,
    {{ var('carried_days') | int }} - begin_day as after_days,
    end_day as known_days
from of_windows
union all
-- When more is known, windows have ended, and units are compared, undisturbed to their horizon.
select 'known', sample_no, end_day, - end_day, null
from of_windows
union all
select 'known', sample_no, horizon_day, - horizon_day, null
from of_all
union all
-- How far apart checks are, and which page ranks, is read from the days before a date.
select
    'check',
    sample_no,
    -1,
    greatest({{ var('link_memory_days') | int }}, {{ var('ranked_days') | int }}),
    null
from of_all
union all
-- What happened to a page concerns units that are compared, until it is forgotten.
select
    'link_change',
    sample_no,
    horizon_day as before_days,
    {{ var('link_memory_days') | int }} as after_days,
    horizon_day as known_days
from of_all
union all
select
    'page_change',
    sample_no,
    horizon_day as before_days,
    {{ var('change_memory_days') | int }} as after_days,
    horizon_day as known_days
from of_all
union all
-- A page is watched from when its changes are forgotten until the horizon, without a gap.
select 'watch', sample_no, horizon_day, - horizon_day, null
from of_all
union all
select
    'watch',
    sample_no,
    1 - {{ var('change_memory_days') | int }},
    {{ var('change_memory_days') | int }},
    null
from of_all
union all
-- What people, or a crawl, said before is not known where it is told anew, or late. Crawls are
-- compared with one another.
select 'retold_change', sample_no, last_window_day, {{ var('change_memory_days') | int }}, null
from of_all
union all
select
    'retold_crawl',
    sample_no,
    last_window_day + {{ var('crawl_reach_days') | int }},
    {{ var('change_memory_days') | int }} + {{ var('crawl_reach_days') | int }},
    null
from of_all
union all
-- A page that moved is looked for among those that ranked, and takes its changes along.
select
    'moved',
    sample_no,
    last_window_day,
    greatest({{ var('ranked_days') | int }}, {{ var('change_memory_days') | int }}),
    null
from of_all
union all
-- An update is flagged in the windows that it meets.
select 'update', sample_no, last_window_day, - first_window_day, null
from of_all
union all
-- A link may belong to a burst that began before it.
select 'member', sample_no, {{ var('burst_days') | int }}, 0, null
from of_all
where is_burst
union all
-- What is told of the date itself.
select 'date', sample_no, 0, 0, null
from of_all
