with
    counts as (select * from {{ ref('int_link__read_counts') }}),

    last_counts as (select property_key, max(day) as last_day from counts group by property_key),

    -- A page that was not asked about in three months is asked about as if it never had been.
    lately as (
        select counts.*, last_counts.last_day
        from counts
        inner join
            last_counts
            on last_counts.property_key = counts.property_key
            and counts.day > last_counts.last_day - 90
    ),

    pages as (
        select
            property_key,
            literal_url as ask,
            max(link_count) filter (where day = last_day) as link_count,
            max(day) filter (where is_asked) as asked_day,
            (array_agg(link_count order by day desc) filter (where is_asked))[1] as asked_count
        from lately
        group by property_key, literal_url
    ),

    scored as (
        select
            *,
            abs(link_count - coalesce(asked_count, 0))::double precision as score,
            case
                when asked_day is null
                then 'never_asked'
                when link_count > asked_count
                then 'count_rose'
                when link_count < asked_count
                then 'count_fell'
                else 'longest_ago'
            end as reason
        from pages
        where link_count > 0
    )

select
    property_key,
    row_number() over (
        partition by property_key order by score desc, asked_day nulls first, ask
    )::integer as place,
    ask,
    score,
    reason
from scored
