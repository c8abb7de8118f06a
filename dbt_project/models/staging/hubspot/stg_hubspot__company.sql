with
    companies as (select * from {{ source('hubspot', 'company') }} where part = ''),

    merged as (select distinct property_key, unnest(merged_ids) as company_id from companies)

select
    property_key,
    day,
    company_id,
    partner,
    {{ key64(plain_name('partner')) }} as partner_key,
    coalesce(site_normalised, site) as site_url,
    {{ page_key('site') }} as site_page_key,
    site_domain as source_domain,
    {{ domain_key('site_domain') }} as source_domain_key,
    kind,
    null::date as owner_since_date,
    null::date as owner_until_date,
    country,
    language,
    topic,
    price,
    currency,
    observed_at
from companies
where
    site is not null
    and not is_archived
    and (property_key, company_id)
    not in (select merged.property_key, merged.company_id from merged)
