with touches as (select * from {{ source('outreach', 'touch') }})

select
    property_key,
    day,
    part,
    partner,
    {{ key64(plain_name('partner')) }} as partner_key,
    campaign,
    {{ key64(plain_name('campaign')) }} as campaign_key,
    kind,
    direction,
    outcome,
    minutes,
    cost,
    currency,
    touch_id,
    exported_at as observed_at
from touches
