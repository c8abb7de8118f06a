{{ config(materialized='table') }}

{#- Ends lie in (after_days, by_days]; 0 waits still, 1 ended so, 2 ended otherwise: discovery/waits.py. -#}
with
    states as (
        select
            property_key,
            partner_key,
            campaign_key,
            min(from_date) filter (where state = 'contacted') as contacted_date,
            min(from_date) filter (where state in ('placed', 'verified')) as placed_date,
            min(from_date) filter (
                where state in ('declined', 'bounced') and to_date is null
            ) as refused_date
        from {{ ref('fct_outreach') }}
        group by property_key, partner_key, campaign_key
    ),

    asked as (
        select
            states.property_key,
            'placed' as curve,
            pairs.kind,
            coalesce(states.placed_date, states.refused_date, dates.as_of_date)
            - states.contacted_date as days,
            case
                when states.placed_date is not null
                then 1
                when states.refused_date is not null
                then 2
                else 0
            end as ending
        from states
        inner join
            {{ ref('int_relation__sum_pairs') }} as pairs
            on pairs.property_key = states.property_key
            and pairs.partner_key = states.partner_key
            and pairs.campaign_key = states.campaign_key
        inner join
            {{ ref('int_relation__date_properties') }} as dates
            on dates.property_key = states.property_key
        where states.contacted_date is not null
    ),

    waits as (
        select
            property_key,
            curve,
            kind,
            case when ending = 0 then days else days - 1 end as after_days,
            days as by_days,
            ending
        from asked
        where coalesce(days, -1) >= 0
        union all
        -- From its first sight after the promise; what one look met was there on its day.
        select
            property_key,
            'lost',
            coalesce(kind, 'unknown'),
            live_days_low,
            greatest(live_days_high, live_days_low + 1),
            case when lost_date is null then 0 else 1 end
        from {{ ref('fct_placement') }}
        where verified_date is not null
    )

select
    waits.property_key,
    waits.curve,
    kinds.kind,
    waits.after_days,
    waits.by_days,
    waits.ending,
    count(*) as wait_count
from waits
cross join
    lateral(values ('all', true), ({{ bounded('waits.kind', 500) }}, false)) as kinds(
        kind, is_of_all
    )
-- Who calls a kind all has no curve of it alone.
where kinds.is_of_all or kinds.kind <> 'all'
group by waits.property_key, waits.curve, kinds.kind, waits.after_days, waits.by_days, waits.ending
