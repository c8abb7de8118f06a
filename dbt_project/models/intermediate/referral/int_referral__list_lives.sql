{{ config(materialized='table', indexes=[{'columns': ['property_key', 'source_host_key']}]) }}

with
    lives as ({{ link_lives() }}),

    links as (select * from {{ ref('int_link__describe_links') }}),

    checks as (select * from {{ ref('fct_link_check') }} where presence = 'present'),

    live_days as (
        select
            property_key,
            link_key,
            target_url_key,
            range_agg(daterange(begin_date, end_date)) as live_days
        from lives
        group by property_key, link_key, target_url_key
    ),

    last_checks as (
        select distinct on (property_key, link_key) property_key, link_key, referrer_policy
        from checks
        order by property_key, link_key, checked_at desc
    ),

    -- A browser names the page that it was led to, not the one that the link was reported on.
    sources as (
        select property_key, link_key, source_page_key, source_url
        from links
        union
        select property_key, link_key, {{ key64('final_url') }} as source_page_key, final_url
        from checks
        where final_url is not null
    )

select
    live_days.property_key,
    live_days.link_key,
    sources.source_page_key,
    {{ key64(url_host('sources.source_url')) }} as source_host_key,
    live_days.target_url_key,
    last_checks.referrer_policy,
    live_days.live_days
from live_days
inner join
    sources
    on sources.property_key = live_days.property_key
    and sources.link_key = live_days.link_key
left join
    last_checks
    on last_checks.property_key = live_days.property_key
    and last_checks.link_key = live_days.link_key
where live_days.target_url_key is not null and {{ url_host('sources.source_url') }} is not null
