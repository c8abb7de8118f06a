{#- The largest by each measure are told of; below so many links nothing is said of breadth, and of an effect below so many judged. -#}
{%- set most, least_links = 10, 30 -%}
{{ config(materialized='table') }}

with
    looks as ({{ link_looks() }}),

    judged as ({{ newest_judged() }}),

    links as (
        select
            links.property_key,
            {{ linking_key('links') }} as publisher_key,
            coalesce(links.source_domain, links.source_url) as publisher,
            links.page_key,
            judged.link_key is not null as is_judged,
            judged.shrunk_effect,
            judged.shrunk_low,
            judged.shrunk_high
        from {{ ref('dim_link') }} as links
        left join
            judged on judged.property_key = links.property_key and judged.link_key = links.link_key
        where links.state = 'live' and links.is_followed
    ),

    -- A page is left without any where one publisher has all its links.
    pages as (
        select
            property_key,
            publisher_key,
            page_key,
            min(publisher) as publisher,
            count(*) as link_count,
            count(*) filter (where is_judged) as judged_count,
            sum(shrunk_effect) as shrunk_effect,
            sum(shrunk_low) as shrunk_low,
            sum(shrunk_high) as shrunk_high,
            page_key is not null
            and count(*) over (partition by property_key, page_key) = 1 as is_orphaned
        from links
        group by property_key, publisher_key, page_key
    ),

    -- What the page's links did is undone. Errors of links judged alike are one error: they add up.
    publishers as (
        select
            property_key,
            publisher_key,
            min(publisher) as publisher,
            sum(link_count)::bigint as link_count,
            count(page_key) as page_count,
            count(*) filter (where is_orphaned) as orphaned_page_count,
            sum(judged_count)::bigint as judged_count,
            count(*) filter (where judged_count > 0) as judged_page_count,
            avg(- shrunk_effect) as expected_change,
            avg(- shrunk_high) as interval_low,
            avg(- shrunk_low) as interval_high
        from pages
        group by property_key, publisher_key
    ),

    places as (
        select domain_key, {{ sent_authority('newest') }} as authority
        from ({{ newest_places() }}) as newest
    ),

    medians as (
        select
            publishers.property_key,
            percentile_cont(0.5) within group (order by places.authority) as authority
        from publishers
        inner join places on places.domain_key = publishers.publisher_key
        group by publishers.property_key
    ),

    -- A domain enters a page once; one whose place nobody knows counts as the median of the others.
    entering as (
        select
            publishers.*,
            publishers.page_count * coalesce(places.authority, medians.authority) as authority
        from publishers
        left join places on places.domain_key = publishers.publisher_key
        left join medians on medians.property_key = publishers.property_key
    ),

    placed as (
        select
            *,
            sum(authority) over of_property as all_authority,
            row_number() over (
                partition by property_key order by authority desc nulls last, publisher_key
            ) as authority_place,
            sum(link_count::double precision) over of_property as all_links,
            -- Sums of n ln n, of which that of one publisher is taken away.
            sum(link_count * ln(link_count::double precision)) over of_property as all_weighed,
            link_count * ln(link_count::double precision) as weighed,
            row_number() over (
                partition by property_key order by link_count desc, publisher_key
            ) as link_place,
            row_number() over (
                partition by property_key order by orphaned_page_count desc, publisher_key
            ) as orphan_place
        from entering
        window of_property as (partition by property_key)
    )

select
    placed.property_key,
    placed.publisher_key,
    placed.publisher,
    date_trunc('month', looks.last_day::timestamp)::date as month,
    placed.link_count,
    placed.link_count / placed.all_links as followed_share,
    placed.authority / nullif(placed.all_authority, 0) as authority_share,
    placed.page_count,
    placed.orphaned_page_count,
    case
        when placed.all_links >= {{ least_links }}
        then exp(ln(placed.all_links) - placed.all_weighed / placed.all_links)
    end as hill_1,
    case
        when placed.all_links - placed.link_count >= {{ least_links }}
        then
            exp(
                ln(placed.all_links - placed.link_count)
                - (placed.all_weighed - placed.weighed) / (placed.all_links - placed.link_count)
            )
    end as hill_1_after,
    placed.judged_count,
    placed.link_count - placed.judged_count as unjudged_count,
    placed.judged_page_count,
    {%- for name in ['expected_change', 'interval_low', 'interval_high'] %}
        case when placed.judged_count >= {{ var('least_events') }} then placed.{{ name }} end
        as {{ 'expected_log_position_change' if loop.first else name }}{{ ',' if not loop.last }}
    {%- endfor %}
from placed
inner join looks on looks.property_key = placed.property_key
where
    placed.link_place <= {{ most }}
    or (placed.authority_place <= {{ most }} and placed.authority > 0)
    or (placed.orphan_place <= {{ most }} and placed.orphaned_page_count > 0)
