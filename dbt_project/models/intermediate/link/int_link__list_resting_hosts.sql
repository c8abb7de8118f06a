with
    visits as (select * from {{ ref('int_link__read_visits') }} where is_asked),

    answers as (
        select
            *,
            outcome = 'unreachable' and coalesce(status_code, 500) >= 500 as is_failed,
            max(day) filter (
                where outcome <> 'unreachable' or coalesce(status_code, 500) < 500
            ) over (partition by property_key, host) as last_good_day
        from visits
    ),

    failures as (
        select
            property_key,
            host,
            count(*) as failure_count,
            count(distinct day) as night_count,
            max(day) as last_day
        from answers
        where is_failed and day > coalesce(last_good_day, '-infinity')
        group by property_key, host
    )

select property_key, host, last_day + (array[1, 3, 7, 30])[least(night_count, 4)] as rests_until
from failures
where failure_count >= 5
