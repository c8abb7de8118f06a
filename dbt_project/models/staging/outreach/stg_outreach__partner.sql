with partners as (select * from {{ source('outreach', 'partner') }})

select
    property_key,
    day,
    part,
    partner,
    {{ key64(plain_name('partner')) }} as partner_key,
    coalesce(site_normalised, site) as site_url,
    {{ page_key('site') }} as site_page_key,
    site_domain as source_domain,
    {{ domain_key('site_domain') }} as source_domain_key,
    kind,
    owner_since as owner_since_date,
    owner_until as owner_until_date,
    country,
    language,
    topic,
    price,
    currency,
    exported_at as observed_at
from partners
