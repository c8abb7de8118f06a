with rows_published as (select * from {{ source('ops', 'link_flag') }})

select
    property_key,
    flag,
    first_day,
    last_day,
    counted,
    expected,
    p_value,
    link_keys,
    subject,
    rule_version,
    false_alarm_rate
from rows_published
