{{ config(materialized='table') }}

with
    told as (
        select partners.*, rate.dollars
        from
            {{ ref('int_relation__read_partners') }} as partners
            {{ join_rate('partners', 'partners.day') }}
    ),

    exports as (
        select
            property_key,
            partner_key,
            day,
            (array_agg(partner order by observed_at desc, partner))[1] as partner_name,
            (array_agg(kind order by observed_at desc, kind) filter (where kind is not null))[
                1
            ] as kind,
            max(price * dollars) as price_dollars
        from told
        group by property_key, partner_key, day
    ),

    counted as (
        select
            *,
            count(kind) over partner_days as kind_no,
            count(price_dollars) over partner_days as price_no
        from exports
        window partner_days as (partition by property_key, partner_key order by day)
    ),

    -- What is not told on a day is as it was told last: not everybody who tells of a partner
    -- knows its price.
    known as (
        select
            property_key,
            partner_key,
            day,
            partner_name,
            max(kind) over (partition by property_key, partner_key, kind_no) as kind,
            max(price_dollars) over (
                partition by property_key, partner_key, price_no
            ) as price_dollars
        from counted
    ),

    compared as (
        select
            *,
            lag(day) over partner_days as previous_day,
            lag(kind) over partner_days as previous_kind,
            lag(price_dollars) over partner_days as previous_price
        from known
        window partner_days as (partition by property_key, partner_key order by day)
    ),

    spans as (
        select
            property_key,
            partner_key,
            day as valid_from_date,
            lead(day) over (partition by property_key, partner_key order by day) as valid_to_date,
            partner_name,
            kind,
            price_dollars
        from compared
        where
            previous_day is null
            or kind is distinct from previous_kind
            or price_dollars is distinct from previous_price
    ),

    -- Partners whom only touches and placements name.
    named as (
        select property_key, partner_key, partner, day
        from {{ ref('int_relation__read_touches') }}
        union all
        select property_key, partner_key, partner, day
        from {{ ref('int_relation__read_placements') }}
    ),

    unlisted as (
        select
            named.property_key,
            named.partner_key,
            min(named.day) as day,
            min(named.partner) as partner_name
        from named
        left join
            spans
            on spans.property_key = named.property_key
            and spans.partner_key = named.partner_key
        where spans.property_key is null
        group by named.property_key, named.partner_key
    ),

    partners as (
        select *
        from spans
        union all
        select property_key, partner_key, day, null, partner_name, null, null
        from unlisted
    ),

    sites as (
        select property_key, partner_key, count(distinct site_page_key)::integer as site_count
        from told
        group by property_key, partner_key
    )

select
    partners.property_key,
    partners.partner_key,
    partners.valid_from_date,
    partners.valid_to_date,
    partners.partner_name,
    partners.kind,
    partners.price_dollars,
    coalesce(sites.site_count, 0) as site_count,
    sites.property_key is not null as is_listed
from partners
left join
    sites on sites.property_key = partners.property_key and sites.partner_key = partners.partner_key
