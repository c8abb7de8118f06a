with
    spans as (
        select
            date_trunc(
                'year', least(min(property.history_start_date), min(publication.day))
            ) as first_day,
            date_trunc('year', greatest(max(property.history_start_date), max(publication.day)))
            + interval '2 years' as end_day,
            max(publication.day) as last_known_day
        from {{ ref('stg_ops__property') }} as property
        left join
            {{ ref('stg_ops__publication') }} as publication
            on publication.property_key = property.property_key
    ),

    days as (
        select
            generate_series(first_day, end_day - interval '1 day', interval '1 day')::date as day,
            last_known_day
        from spans
    ),

    -- What has not ended lasts as far as anything is known.
    updates as (
        select
            days.day,
            array_agg(
                google_update.update_name
                order by google_update.begins_on, google_update.update_name
            ) as update_names
        from days
        inner join
            {{ ref('dim_google_update') }} as google_update
            on google_update.is_confounder
            and days.day >= google_update.begins_on
            and days.day <= coalesce(google_update.ends_on, days.last_known_day)
        group by days.day
    )

select
    days.day,
    extract(isodow from days.day)::integer as week_day_no,
    extract(isodow from days.day) >= 6 as is_weekend,
    date_trunc('week', days.day)::date as week_start_date,
    extract(isoyear from days.day)::integer as iso_year_no,
    extract(week from days.day)::integer as iso_week_no,
    date_trunc('month', days.day)::date as month_start_date,
    extract(month from days.day)::integer as month_no,
    extract(quarter from days.day)::integer as quarter_no,
    extract(year from days.day)::integer as year_no,
    updates.day is not null as is_google_update,
    coalesce(updates.update_names, '{}') as google_update_names
from days
left join updates on updates.day = days.day
