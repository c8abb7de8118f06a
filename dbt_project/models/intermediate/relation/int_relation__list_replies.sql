{#- A reply is the first word in after words out; it waited since the last of these. -#}
with
    ordered as (
        select
            property_key,
            partner_key,
            campaign_key,
            day,
            touch_id,
            direction = 'in' and coalesce(outcome, '') <> 'bounced' as is_reply,
            lag(direction) over said as previous_direction,
            day - lag(day) over said as wait_days
        from {{ ref('int_relation__read_touches') }}
        window
            said as (
                partition by property_key, partner_key, campaign_key
                order by day, direction desc, touch_id
            )
    )

select property_key, partner_key, campaign_key, day, touch_id, wait_days
from ordered
where is_reply and previous_direction = 'out'
