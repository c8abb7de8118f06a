{#- A table, and no increments: whether a day is whole follows from days long after it, and a stream has 24 rows a day. -#}
{%- set least_lines = 20 -%}
with
    read_hours as (select * from {{ ref('int_bot__read_log_hours') }}),

    hours as (
        select
            property_key,
            stream,
            day,
            hour,
            sum(line_count)::bigint as line_count,
            sum(bot_hit_count)::bigint as bot_hit_count,
            min(first_at) as first_at,
            max(last_at) as last_at
        from read_hours
        where hour is not null
        group by property_key, stream, day, hour
    ),

    malformed as (
        select property_key, stream, day, sum(malformed_count)::bigint as malformed_count
        from read_hours
        group by property_key, stream, day
    ),

    streams as (
        select
            property_key,
            stream,
            min(day) as first_day,
            max(day) as last_day,
            min(first_at) as first_at,
            max(last_at) as last_at,
            percentile_disc(0.5) within group (order by line_count) as median_count,
            sum(line_count) / (max(day) - min(day) + 1) as mean_day_count
        from hours
        group by property_key, stream
    ),

    grid as (
        select
            streams.*,
            streams.first_day + shift.hours / 24 as day,
            shift.hours % 24 as hour,
            shift.hours as hour_no
        from streams
        cross join
            lateral generate_series(
                0, 24 * (streams.last_day - streams.first_day + 1) - 1
            ) as shift(hours)
    ),

    -- The same hour of the four weeks before.
    counted as (
        select
            grid.*,
            coalesce(hours.line_count, 0) as line_count,
            coalesce(hours.bot_hit_count, 0) as bot_hit_count,
            hours.first_at as first_line_at,
            hours.last_at as last_line_at,
            lag(coalesce(hours.line_count, 0), 168) over stream_hours as count_a_week_before,
            lag(coalesce(hours.line_count, 0), 336) over stream_hours as count_two_weeks_before,
            lag(coalesce(hours.line_count, 0), 504) over stream_hours as count_three_weeks_before,
            lag(coalesce(hours.line_count, 0), 672) over stream_hours as count_four_weeks_before
        from grid
        left join
            hours
            on hours.property_key = grid.property_key
            and hours.stream = grid.stream
            and hours.day = grid.day
            and hours.hour = grid.hour
        window stream_hours as (partition by grid.property_key, grid.stream order by grid.hour_no)
    ),

    judged as (
        select
            *,
            line_count = 0
            and case
                when count_four_weeks_before is null
                then median_count >= {{ least_lines }}
                else
                    least(
                        count_a_week_before,
                        count_two_weeks_before,
                        count_three_weeks_before,
                        count_four_weeks_before
                    )
                    >= {{ least_lines }}
            end
            -- Before its first line and after its last nobody knows yet.
            and hour_no > extract(hour from first_at at time zone 'UTC')
            and hour_no
            < 24 * (last_day - first_day)
            + extract(hour from last_at at time zone 'UTC') as is_outage
        from counted
    ),

    days as (
        select
            property_key,
            stream,
            day,
            sum(line_count)::bigint as good_count,
            sum(bot_hit_count)::bigint as bot_hit_count,
            min(first_line_at) as first_at,
            max(last_line_at) as last_at,
            count(*) filter (where is_outage) as outage_hour_count,
            day > min(first_day)
            or min(first_at) < (min(first_day) + interval '1 hour') at time zone 'UTC' as is_begun,
            day < min(last_day) as is_followed,
            -- Of few visits no hour is missed, but a day is.
            sum(line_count) = 0 and min(mean_day_count) >= {{ least_lines }} as is_missing
        from judged
        group by property_key, stream, day
    )

select
    days.property_key,
    days.stream,
    days.day,
    days.good_count + coalesce(malformed.malformed_count, 0) as line_count,
    coalesce(malformed.malformed_count, 0) as malformed_count,
    days.bot_hit_count,
    days.first_at,
    days.last_at,
    days.outage_hour_count,
    days.is_begun
    and days.is_followed
    and days.outage_hour_count = 0
    and not days.is_missing as is_whole
from days
left join
    malformed
    on malformed.property_key = days.property_key
    and malformed.stream = days.stream
    and malformed.day = days.day
