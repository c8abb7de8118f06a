{{ config(materialized='table') }}

{#- Links that a witness tells of, and those that our own visits alone have met. -#}
with
    told as (
        select
            links.property_key,
            links.link_key,
            links.source_page_key,
            links.source_domain_key,
            links.page_key,
            links.rel,
            lives.first_sight_date,
            lives.last_sight_date,
            lives.lost_date
        from {{ ref('dim_link') }} as links
        inner join
            {{ ref('fct_link_lifespan') }} as lives
            on lives.property_key = links.property_key
            and lives.link_key = links.link_key
    ),

    checks as (select * from {{ ref('fct_link_check') }}),

    met as (
        select distinct
            on (property_key, link_key)
            property_key,
            link_key,
            source_page_key,
            source_domain_key,
            target_page_key,
            rel,
            day,
            min(day) over (partition by property_key, link_key) as first_day
        from checks
        where presence = 'present'
        order by property_key, link_key, day desc, target_page_key
    ),

    placed as (
        select met.*, {{ page_as_of('met', 'target_page_key') }} as page_key
        from met {{ join_page_version('met', 'target_page_key', "date '9999-12-31'") }}
    ),

    missed as (
        select met.property_key, met.link_key, min(checks.day) as day
        from met
        inner join
            checks on checks.property_key = met.property_key and checks.link_key = met.link_key
        where checks.presence = 'absent' and checks.day > met.day
        group by met.property_key, met.link_key
    )

select *, null::date as missed_date, false as is_of_visits
from told
union all
-- However its target is spelled, what links from one page to another is one link.
select
    placed.property_key,
    placed.link_key,
    placed.source_page_key,
    placed.source_domain_key,
    placed.page_key,
    placed.rel,
    placed.first_day,
    placed.day,
    case
        when sums.miss_count >= sums.needed_count
        then placed.day + (missed.day - placed.day + 1) / 2
    end,
    case when sums.miss_count >= sums.needed_count then missed.day end,
    true
from placed
left join missed on missed.property_key = placed.property_key and missed.link_key = placed.link_key
left join
    {{ ref('int_link__sum_checks') }} as sums
    on sums.property_key = placed.property_key
    and sums.link_key = placed.link_key
left join
    (select distinct property_key, source_page_key, page_key from told) as known
    on known.property_key = placed.property_key
    and known.source_page_key = placed.source_page_key
    and known.page_key = placed.page_key
where known.property_key is null
