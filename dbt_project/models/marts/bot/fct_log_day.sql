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

    -- Every hour of a stream's span, those without a line too: added, and not joined, since what is
    -- expected of a series of hours is wrong by its length.
    slots as (
        select
            property_key,
            stream,
            day,
            hour,
            sum(line_count)::bigint as line_count,
            sum(bot_hit_count)::bigint as bot_hit_count,
            min(first_at) as first_line_at,
            max(last_at) as last_line_at
        from
            (
                select property_key, stream, day, hour, line_count, bot_hit_count, first_at, last_at
                from hours
                union all
                select
                    streams.property_key,
                    streams.stream,
                    streams.first_day + shift.hours / 24,
                    shift.hours % 24,
                    0,
                    0,
                    null,
                    null
                from streams
                cross join
                    lateral generate_series(
                        0, 24 * (streams.last_day - streams.first_day + 1) - 1
                    ) as shift(hours)
            ) as all_hours
        group by property_key, stream, day, hour
    ),

    -- The same hour of the four weeks before.
    counted as (
        select
            streams.*,
            slots.day,
            24 * (slots.day - streams.first_day) + slots.hour as hour_no,
            slots.line_count,
            slots.bot_hit_count,
            slots.first_line_at,
            slots.last_line_at,
            lag(slots.line_count, 168) over stream_hours as count_a_week_before,
            lag(slots.line_count, 336) over stream_hours as count_two_weeks_before,
            lag(slots.line_count, 504) over stream_hours as count_three_weeks_before,
            lag(slots.line_count, 672) over stream_hours as count_four_weeks_before
        from slots
        inner join
            streams on streams.property_key = slots.property_key and streams.stream = slots.stream
        window
            stream_hours as (
                partition by slots.property_key, slots.stream order by slots.day, slots.hour
            )
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
    ),

    -- Visits that raw has given up are known where a mart still has them.
    given_up as (
        select distinct property_key, day
        from {{ source('ops', 'publication') }} as publication
        where
            dropped_at is not null
            and row_count > 0
            and {{ is_of_kind('publication', ['bot_hits']) }}
    ),

    kept as (
        select visit.property_key, visit.day
        from {{ ref('fct_bot_crawl') }} as visit
        inner join
            given_up on given_up.property_key = visit.property_key and given_up.day = visit.day
        group by visit.property_key, visit.day
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
    and not days.is_missing
    and (given_up.day is null or kept.day is not null) as is_whole
from days
left join
    malformed
    on malformed.property_key = days.property_key
    and malformed.stream = days.stream
    and malformed.day = days.day
left join given_up on given_up.property_key = days.property_key and given_up.day = days.day
left join kept on kept.property_key = days.property_key and kept.day = days.day
