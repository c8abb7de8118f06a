with
    bands as (select * from {{ ref('link_hazards') }}),

    lifespans as (select * from {{ ref('fct_link_lifespan') }}),

    nights as (
        select property_key, max(last_sight_date) as night from lifespans group by property_key
    ),

    links as (
        select
            lifespans.property_key,
            lifespans.link_key,
            lifespans.state,
            {{ rel_class("array_to_string(links.rel, ' ')") }} as rel_class,
            coalesce(links.place, 'unknown') as place,
            coalesce(lifespans.lost_date, nights.night) - lifespans.first_sight_date as age_days
        from lifespans
        inner join nights on nights.property_key = lifespans.property_key
        inner join
            {{ ref('dim_link') }} as links
            on links.property_key = lifespans.property_key
            and links.link_key = lifespans.link_key
        where lifespans.first_sight_date is not null
    ),

    -- Days that links spent in each band, and losses there.
    lived as (
        select
            links.property_key,
            links.rel_class,
            links.place,
            bands.first_age_day,
            sum(least(links.age_days, bands.last_age_day) - bands.first_age_day + 1) as link_days,
            count(*) filter (
                where links.state = 'lost' and links.age_days <= bands.last_age_day
            ) as loss_count
        from links
        inner join bands on links.age_days >= bands.first_age_day
        group by links.property_key, links.rel_class, links.place, bands.first_age_day
    )

select
    lived.property_key,
    lived.rel_class,
    lived.place,
    lived.first_age_day,
    bands.last_age_day,
    lived.link_days::bigint as link_days,
    lived.loss_count::bigint as loss_count,
    -- Ten losses of the assumed share stand beside the property's own.
    ((lived.loss_count + 10) / (lived.link_days + 10 / bands.loss_share))::double precision
    as loss_share
from lived
inner join bands on bands.first_age_day = lived.first_age_day
