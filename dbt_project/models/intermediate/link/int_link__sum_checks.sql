with
    checks as (select * from {{ ref('fct_link_check') }} where is_asked),

    last_sights as (
        select property_key, link_key, max(day) as last_seen_day
        from checks
        where presence = 'present'
        group by property_key, link_key
    ),

    -- Misses count from the last sight on, a day once.
    sums as (
        select
            checks.property_key,
            checks.link_key,
            max(checks.day) as last_visit_day,
            min(last_sights.last_seen_day) as last_seen_day,
            count(distinct checks.day) filter (
                where
                    checks.presence = 'absent'
                    and checks.day > coalesce(last_sights.last_seen_day, '-infinity')
            )::integer as miss_count,
            max(checks.day) filter (
                where
                    checks.presence = 'absent'
                    and checks.day > coalesce(last_sights.last_seen_day, '-infinity')
            ) as last_miss_day
        from checks
        left join
            last_sights
            on last_sights.property_key = checks.property_key
            and last_sights.link_key = checks.link_key
        group by checks.property_key, checks.link_key
    ),

    last_words as (
        select distinct on (property_key, link_key) property_key, link_key, rel, anchor, place
        from checks
        where presence = 'present' and found_url is null
        order by property_key, link_key, day desc
    )

select
    sums.property_key,
    sums.link_key,
    sums.last_visit_day,
    sums.last_seen_day,
    sums.miss_count,
    sums.last_miss_day,
    last_words.rel,
    last_words.anchor,
    last_words.place
from sums
left join
    last_words
    on last_words.property_key = sums.property_key
    and last_words.link_key = sums.link_key
