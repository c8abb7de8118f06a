with rows_published as (select * from {{ source('ops', 'discovery_curve') }})

select
    property_key,
    cut,
    level,
    milestone_from,
    milestone,
    engine,
    day,
    share,
    share_low,
    share_high,
    at_risk_count,
    reached_count,
    gone_share,
    page_count,
    reached_page_count,
    gone_page_count,
    median_day,
    median_low_day,
    median_high_day,
    status,
    reason
from rows_published
