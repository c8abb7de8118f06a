{{ config(materialized='table') }}

with
    told as (
        select distinct on (property_key, campaign_key) *
        from {{ ref('int_relation__read_campaigns') }}
        order by
            property_key,
            campaign_key,
            observed_at desc,
            day desc,
            budget desc nulls last,
            currency,
            kind,
            begin_date,
            end_date,
            target_url,
            campaign
    ),

    named as (
        select property_key, campaign_key, campaign, day, null as kind
        from {{ ref('int_relation__read_touches') }}
        union all
        select property_key, campaign_key, campaign, day, kind
        from {{ ref('int_relation__read_placements') }}
    ),

    unlisted as (
        select
            named.property_key,
            named.campaign_key,
            min(named.campaign) as campaign,
            min(named.day) as begin_date,
            min(named.kind) as kind
        from named
        left join
            told
            on told.property_key = named.property_key
            and told.campaign_key = named.campaign_key
        where told.property_key is null
        group by named.property_key, named.campaign_key
    )

select
    told.property_key,
    told.campaign_key,
    told.campaign as campaign_name,
    told.kind,
    told.begin_date,
    told.end_date,
    told.target_url,
    {{ page_as_of('told', 'target_url_key') }} as page_key,
    told.budget * rate.dollars as budget_dollars,
    true as is_listed
from
    told
    {{ join_page_version('told', 'target_url_key', "date '9999-12-31'") }}
    {{ join_rate('told', 'coalesce(told.begin_date, told.day)') }}
union all
select property_key, campaign_key, campaign, kind, begin_date, null, null, null, null, false
from unlisted
