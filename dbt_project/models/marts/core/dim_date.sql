with
    spans as (
        select
            date_trunc(
                'year', least(min(property.history_start_date), min(publication.day))
            ) as first_day,
            date_trunc('year', greatest(max(property.history_start_date), max(publication.day)))
            + interval '2 years' as end_day
        from {{ ref('stg_ops__property') }} as property
        left join
            {{ ref('stg_ops__publication') }} as publication
            on publication.property_key = property.property_key
    ),

    days as (
        select generate_series(first_day, end_day - interval '1 day', interval '1 day')::date as day
        from spans
    )

select
    day,
    extract(isodow from day)::integer as week_day_no,
    extract(isodow from day) >= 6 as is_weekend,
    date_trunc('week', day)::date as week_start_date,
    extract(isoyear from day)::integer as iso_year_no,
    extract(week from day)::integer as iso_week_no,
    date_trunc('month', day)::date as month_start_date,
    extract(month from day)::integer as month_no,
    extract(quarter from day)::integer as quarter_no,
    extract(year from day)::integer as year_no
from days
