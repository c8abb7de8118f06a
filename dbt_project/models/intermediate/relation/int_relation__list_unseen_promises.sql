{{ config(materialized='table') }}

with
    visits as (
        select property_key, source_page_key, max(day) as last_visit_day
        from {{ ref('fct_link_check') }}
        group by property_key, source_page_key
    )

select
    placements.property_key,
    placements.placement_key,
    placements.promised_url as source_url,
    coalesce(placements.source_domain, placements.promised_url) as source_domain,
    placements.target_url,
    placements.page_key,
    placements.promised_rel as rel,
    coalesce(placements.placed_date, placements.agreed_date) as from_date,
    visits.last_visit_day
from {{ ref('int_relation__list_placements') }} as placements
inner join
    {{ ref('int_relation__match_placements') }} as matches
    on matches.property_key = placements.property_key
    and matches.placement_key = placements.placement_key
left join
    visits
    on visits.property_key = placements.property_key
    and visits.source_page_key = placements.source_page_key
where
    matches.match_grade not in ('exact', 'same_page')
    and placements.target_url is not null
    -- A front page stands for the site, on which the link may be anywhere.
    and {{ url_path('placements.promised_url') }} <> '/'
