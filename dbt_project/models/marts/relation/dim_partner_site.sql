{{ config(materialized='table') }}

with
    told as (
        select distinct
            on (property_key, partner_key, site_page_key)
            property_key,
            partner_key,
            site_page_key,
            site_url,
            source_domain,
            source_domain_key,
            coalesce(owner_since_date, '-infinity') as from_date,
            coalesce(owner_until_date + 1, 'infinity') as to_date
        from {{ ref('int_relation__read_partners') }}
        order by
            property_key,
            partner_key,
            site_page_key,
            -- Files alone say since when a site is whose.
            is_export desc,
            observed_at desc,
            day desc,
            owner_since_date,
            owner_until_date,
            site_url
    ),

    placed as (
        select
            told.*,
            shared.domain is not null as is_shared_host,
            case
                when shared.domain is null then told.source_domain_key else told.site_page_key
            end as place_key
        from told
        left join {{ ref('shared_hosts') }} as shared on shared.domain = told.source_domain
    ),

    contested as (
        select distinct placed.property_key, placed.partner_key, placed.site_page_key
        from placed
        inner join
            placed as other
            on other.property_key = placed.property_key
            and other.place_key = placed.place_key
            and other.partner_key <> placed.partner_key
            and other.from_date < placed.to_date
            and placed.from_date < other.to_date
    )

select
    placed.property_key,
    placed.partner_key,
    placed.site_page_key,
    placed.site_url,
    placed.source_domain,
    placed.source_domain_key,
    placed.is_shared_host,
    placed.from_date,
    placed.to_date,
    contested.property_key is not null
    or (
        placed.is_shared_host and coalesce({{ url_path('placed.site_url') }}, '/') = '/'
    ) as is_contested
from placed
left join
    contested
    on contested.property_key = placed.property_key
    and contested.partner_key = placed.partner_key
    and contested.site_page_key = placed.site_page_key
