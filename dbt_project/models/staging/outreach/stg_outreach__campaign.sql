with campaigns as (select * from {{ source('outreach', 'campaign') }})

select
    property_key,
    day,
    part,
    campaign,
    {{ key64(plain_name('campaign')) }} as campaign_key,
    kind,
    begins_on as begin_date,
    ends_on as end_date,
    coalesce(target_url_normalised, target_url) as target_url,
    {{ page_key('target_url') }} as target_url_key,
    budget,
    currency,
    exported_at as observed_at
from campaigns
