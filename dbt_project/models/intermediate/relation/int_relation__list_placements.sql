{%- set stated = [
    'price desc nulls last', 'placed_date', 'promised_url', 'target_url', 'partner', 'campaign', 'kind', 'payment',
    'currency', 'rel', 'promised_until_date', 'paid_from_date', 'paid_until_date', 'placement_id',
] -%}
{{ config(materialized='table') }}

with
    told as (
        select
            *,
            {{ key64(
                'partner_key::text', 'campaign_key::text',
                "coalesce(placement_id, concat_ws(' ', day::text, coalesce(promised_url, '-'), coalesce(target_url, '-')))"
            ) }}
            as placement_key
        from {{ ref('int_relation__read_placements') }}
    ),

    -- Of what one export says twice the dearer one, whichever came first.
    newest as (
        select distinct on (property_key, placement_key) *
        from told
        order by property_key, placement_key, observed_at desc, day desc, {{ stated | join(', ') }}
    )

select
    newest.property_key,
    newest.placement_key,
    newest.partner_key,
    newest.partner,
    newest.campaign_key,
    newest.campaign,
    newest.kind,
    newest.day as agreed_date,
    newest.placed_date,
    newest.promised_until_date,
    newest.promised_url,
    newest.source_page_key,
    newest.source_domain,
    newest.source_domain_key,
    newest.target_url,
    {{ page_as_of('newest', 'target_url_key') }} as page_key,
    newest.rel as promised_rel,
    newest.price,
    newest.currency,
    rate.dollars * newest.price as price_dollars,
    coalesce(newest.payment, case when newest.price is not null then 'once' end) as payment,
    newest.paid_from_date,
    newest.paid_until_date,
    dates.as_of_date
from newest
inner join
    {{ ref('int_relation__date_properties') }} as dates on dates.property_key = newest.property_key
    {{ join_page_version('newest', 'target_url_key', "date '9999-12-31'") }}
    {{ join_rate('newest', 'coalesce(newest.placed_date, newest.day)') }}
