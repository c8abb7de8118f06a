{{ config(materialized='table') }}

{#- Rounds, a grade each: a link serves one placement, and what is as near as another is nobody's. -#}
with
    placements as (select * from {{ ref('int_relation__list_placements') }}),

    links as (select * from {{ ref('int_relation__list_links') }}),

    of_page as (
        select
            placements.property_key,
            placements.placement_key,
            links.link_key,
            coalesce(links.page_key = placements.page_key, false) as is_target,
            abs(links.first_sight_date - placements.agreed_date) as distance
        from placements
        inner join
            links
            on links.property_key = placements.property_key
            and links.source_page_key = placements.source_page_key
        where links.last_sight_date >= placements.agreed_date
    ),

    exact_pairs as (select * from of_page where is_target),

    exact_found as ({{ nearest_pairs('exact_pairs') }}),

    same_page_pairs as (
        select pair.*
        from of_page as pair {{ join_taken('pair', 'exact_found') }}
        where not pair.is_target and {{ is_left() }}
    ),

    same_page_found as ({{ nearest_pairs('same_page_pairs') }}),

    found as (
        select *, 'exact' as match_grade
        from exact_found
        union all
        select *, 'same_page' as match_grade
        from same_page_found
    ),

    of_domain as (
        select placements.property_key, placements.placement_key, links.link_key
        from placements
        inner join
            links
            on links.property_key = placements.property_key
            and links.source_domain_key = placements.source_domain_key
            and links.page_key = placements.page_key
        where
            links.first_sight_date
            between placements.agreed_date - 14 and placements.agreed_date + 90
    ),

    probable as (
        select
            pair.*,
            count(*) over (partition by pair.property_key, pair.placement_key) = 1
            and count(*) over (partition by pair.property_key, pair.link_key) = 1 as is_sole
        from of_domain as pair {{ join_taken('pair', 'found') }}
        where {{ is_left() }}
    ),

    -- What the newest visit to the promised page saw that came after the promise.
    visits as (
        select distinct
            on (checks.property_key, placements.placement_key)
            checks.property_key,
            placements.placement_key,
            checks.day,
            bool_or(checks.presence = 'present') over same_visit as is_present,
            bool_or(checks.presence = 'absent') over same_visit as is_absent
        from placements
        inner join
            {{ ref('fct_link_check') }} as checks
            on checks.property_key = placements.property_key
            and checks.source_page_key = placements.source_page_key
            and checks.day >= coalesce(placements.placed_date, placements.agreed_date)
        where checks.presence <> 'unknown'
        window
            same_visit as (partition by checks.property_key, placements.placement_key, checks.day)
        order by checks.property_key, placements.placement_key, checks.day desc
    ),

    graded as (
        select
            property_key,
            placement_key,
            case when is_sole then link_key end as link_key,
            case when is_sole then match_grade else 'ambiguous' end as match_grade
        from found
        union all
        select
            property_key,
            placement_key,
            case when is_sole then link_key end,
            case when is_sole then 'probable' else 'ambiguous' end
        from probable
    )

select
    placements.property_key,
    placements.placement_key,
    max(graded.link_key) as link_key,
    coalesce(
        max(graded.match_grade),
        case when bool_or(visits.is_absent and not visits.is_present) then 'contradicted' end,
        'unverified'
    ) as match_grade
from placements
left join
    graded
    on graded.property_key = placements.property_key
    and graded.placement_key = placements.placement_key
left join
    visits
    on visits.property_key = placements.property_key
    and visits.placement_key = placements.placement_key
group by placements.property_key, placements.placement_key
