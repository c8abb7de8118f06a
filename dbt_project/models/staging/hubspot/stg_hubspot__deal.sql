with
    deals as (select * from {{ source('hubspot', 'deal') }} where part = ''),

    merged as (select distinct property_key, unnest(merged_ids) as deal_id from deals),

    newest as (
        select distinct on (property_key, deal_id) *
        from deals
        order by property_key, deal_id, observed_at desc, is_archived desc
    )

select
    property_key,
    agreed_on as day,
    partner,
    {{ key64(plain_name('partner')) }} as partner_key,
    campaign,
    {{ key64(plain_name('campaign')) }} as campaign_key,
    deal_id as placement_id,
    kind,
    coalesce(source_url_normalised, source_url) as promised_url,
    {{ page_key('source_url') }} as source_page_key,
    source_url_domain as source_domain,
    {{ domain_key('source_url_domain') }} as source_domain_key,
    coalesce(target_url_normalised, target_url) as target_url,
    {{ page_key('target_url') }} as target_url_key,
    anchor,
    null::text[] as rel,
    case when state = 'placed' then placed_on end as placed_date,
    until as promised_until_date,
    price,
    currency,
    payment,
    paid_from as paid_from_date,
    paid_until as paid_until_date,
    invoice,
    observed_at
from newest
where
    state in ('agreed', 'placed')
    and not is_archived
    and partner is not null
    and campaign is not null
    and agreed_on is not null
    and (property_key, deal_id) not in (select merged.property_key, merged.deal_id from merged)
