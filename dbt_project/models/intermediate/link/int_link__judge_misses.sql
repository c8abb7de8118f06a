{{ config(materialized='table', indexes=[{'columns': ['property_key', 'link_key']}]) }}

with
    -- A night counts once; whoever was met on it was there.
    nights as ({{ told_nights() }}),

    numbered as (
        select
            *,
            count(*) filter (where is_seen) over (
                partition by property_key, link_key order by day
            ) as sight_no
        from nights
    ),

    sights as (select * from numbered where is_seen),

    runs as (
        select
            property_key,
            link_key,
            sight_no,
            count(*)::integer as miss_count,
            array_agg(day order by day) as miss_days
        from numbered
        where not is_seen
        group by property_key, link_key, sight_no
    ),

    bounded as (
        select
            runs.*,
            earlier.day as last_seen_day,
            later.day as returned_day,
            lag(later.day) over links as previous_return_day,
            lag(later.day, 2) over links as return_before_day
        from runs
        left join
            sights as earlier
            on earlier.property_key = runs.property_key
            and earlier.link_key = runs.link_key
            and earlier.sight_no = runs.sight_no
        left join
            sights as later
            on later.property_key = runs.property_key
            and later.link_key = runs.link_key
            and later.sight_no = runs.sight_no + 1
        window links as (partition by runs.property_key, runs.link_key order by runs.sight_no)
    ),

    -- Once a link has come back twice within half a year its misses mean less for good.
    judged as (
        select
            *,
            coalesce(
                bool_or(previous_return_day - return_before_day <= 180) over (
                    partition by property_key, link_key order by sight_no
                ),
                false
            ) as is_intermittent
        from bounded
    )

select
    property_key,
    link_key,
    (sight_no + 1)::integer as run_no,
    last_seen_day,
    miss_days[1] as first_miss_day,
    miss_days[miss_count] as last_miss_day,
    miss_count,
    returned_day,
    is_intermittent,
    case when is_intermittent then 6 else 3 end as needed_count,
    miss_days[case when is_intermittent then 6 else 3 end] as confirmed_day
from judged
