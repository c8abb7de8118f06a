{{ config(materialized='table', indexes=[{'columns': ['property_key', 'page_key']}]) }}

with
    judged as ({{ newest_judged() }}),

    places as ({{ newest_places() }}),

    links as (
        select
            risks.property_key,
            risks.link_key,
            links.page_key,
            links.source_domain,
            links.source_domain_key,
            risks.dimension,
            risks.class,
            risks.age_days,
            risks.is_age_known,
            risks.loss_probability,
            risks.expected_days,
            case
                when links.is_followed and links.page_key is not null
                then
                    1::double precision / count(*) filter (where links.is_followed) over (
                        partition by risks.property_key, links.page_key
                    )
            end as page_share
        from {{ ref('int_portfolio__weigh_risks') }} as risks
        inner join
            {{ ref('dim_link') }} as links
            on links.property_key = risks.property_key
            and links.link_key = risks.link_key
    )

select
    links.property_key,
    links.link_key,
    links.page_key,
    links.source_domain,
    links.dimension as curve,
    links.class as curve_class,
    links.age_days,
    links.is_age_known,
    links.loss_probability as loss_probability_90,
    links.expected_days as expected_days_90,
    {{ rank_percentile('places.rank_position', 'places.domain_count') }} as authority_percentile,
    links.page_share,
    judged.shrunk_effect,
    lifespan.last_check_grade
from links
inner join
    {{ ref('fct_link_lifespan') }} as lifespan
    on lifespan.property_key = links.property_key
    and lifespan.link_key = links.link_key
left join places on places.domain_key = links.source_domain_key
left join judged on judged.property_key = links.property_key and judged.link_key = links.link_key
