with rows_published as (select * from {{ source('ops', 'outreach_curve') }})

select
    property_key,
    curve,
    kind,
    age_days,
    share,
    interval_low,
    interval_high,
    other_share,
    at_risk_count,
    begun_count,
    event_count,
    status,
    reason
from rows_published
