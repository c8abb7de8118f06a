with rows_published as (select * from {{ source('ops', 'link_effect_check') }})

select
    property_key,
    panel,
    check_name,
    outcome,
    estimate,
    standard_error,
    interval_low,
    interval_high,
    honest_low,
    honest_high,
    event_count,
    run_count,
    false_alarm_count,
    is_warning,
    sentence
from rows_published
