{{ config(materialized='table', tags=['after_estimates']) }}

select
    property_key,
    curve,
    kind,
    age_days,
    {{ nine_places('share') }} as share,
    {{ nine_places('interval_low') }} as interval_low,
    {{ nine_places('interval_high') }} as interval_high,
    {{ nine_places('other_share') }} as other_share,
    {{ nine_places('at_risk_count') }} as at_risk_count,
    begun_count,
    event_count,
    status,
    reason
from {{ ref('stg_ops__outreach_curve') }}
