with rows_published as (select * from {{ source('ops', 'partner_estimate') }})

select
    property_key,
    partner_key,
    placed_share,
    placed_share_low,
    placed_share_high,
    yearly_loss_share,
    yearly_loss_share_low,
    yearly_loss_share_high,
    days_per_1000,
    days_per_1000_low,
    days_per_1000_high,
    days_per_1000_careful,
    own_weight,
    faster_loss_chance,
    latest_reply_days,
    earlier_reply_days,
    slower_p_value
from rows_published
