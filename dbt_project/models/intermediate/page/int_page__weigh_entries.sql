{{ config(materialized='table') }}

with
    graphs as (select property_key, day from {{ ref('int_page__list_graphs') }}),

    lives as ({{ link_lives() }}),

    -- A domain enters a page once, with however many links.
    entries as (
        select distinct
            graphs.property_key,
            graphs.day,
            {{ page_as_of('lives', 'target_url_key') }} as page_key,
            lives.linking_key
        from graphs
        inner join
            lives
            on lives.property_key = graphs.property_key
            and lives.begin_date <= graphs.day
            and lives.end_date > graphs.day
            {{ join_page_version('lives', 'target_url_key', 'graphs.day') }}
        where lives.rel_class = 'followed'
    ),

    places as (select * from {{ ref('int_domain__place_domains') }} where measure = 'harmonic'),

    readings as (select distinct day from places),

    -- The last reading before the crawl, else the first that there was.
    chosen as (
        select
            graphs.property_key,
            graphs.day,
            coalesce(
                max(readings.day) filter (where readings.day <= graphs.day), min(readings.day)
            ) as reading_day
        from graphs
        cross join readings
        group by graphs.property_key, graphs.day
    ),

    known as (
        select
            entries.property_key,
            entries.day,
            entries.linking_key,
            {{ sent_authority('places') }} as authority
        from (select distinct property_key, day, linking_key from entries) as entries
        inner join chosen on chosen.property_key = entries.property_key and chosen.day = entries.day
        inner join
            places on places.domain_key = entries.linking_key and places.day = chosen.reading_day
    ),

    trusted as (
        select property_key, {{ domain_key('domain') }} as domain_key
        from {{ ref('stg_ops__trusted_domain') }}
    ),

    medians as (
        select
            property_key, day, percentile_cont(0.5) within group (order by authority) as authority
        from known
        group by property_key, day
    )

select
    entries.property_key,
    entries.day,
    entries.page_key,
    count(*) as domain_count,
    count(known.authority) as known_domain_count,
    count(trusted.domain_key) as trusted_domain_count,
    sum(coalesce(known.authority, medians.authority, 1)) as authority
from entries
left join
    known
    on known.property_key = entries.property_key
    and known.day = entries.day
    and known.linking_key = entries.linking_key
left join
    trusted
    on trusted.property_key = entries.property_key
    and trusted.domain_key = entries.linking_key
left join medians on medians.property_key = entries.property_key and medians.day = entries.day
group by entries.property_key, entries.day, entries.page_key
