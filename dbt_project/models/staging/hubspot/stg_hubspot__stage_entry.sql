{#- A later reading of a deal tells all its entries again. -#}
with
    entries as (select * from {{ source('hubspot', 'stage_entry') }} where part = ''),

    dated as (
        select *, max(observed_at) over (partition by property_key, deal_id) as told_at from entries
    )

select
    property_key,
    said_on as day,
    partner,
    {{ key64(plain_name('partner')) }} as partner_key,
    campaign,
    {{ key64(plain_name('campaign')) }} as campaign_key,
    'deal' as kind,
    case when state = 'contacted' then 'out' else 'in' end as direction,
    case when state = 'contacted' then 'none' else state end as outcome,
    null::double precision as minutes,
    null::double precision as cost,
    null::text as currency,
    deal_id || ' ' || entry_no::text as touch_id,
    observed_at
from dated
where
    observed_at = told_at
    and state in ('contacted', 'replied', 'agreed', 'declined')
    and partner is not null
    and campaign is not null
