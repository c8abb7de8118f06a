{{ config(materialized='table', tags=['after_estimates']) }}

select
    property_key,
    flag,
    'property' as subject_kind,
    0::bigint as subject_key,
    null as publisher,
    null as anchor,
    first_day,
    last_day,
    counted,
    expected,
    p_value,
    link_keys,
    rule_version,
    false_alarm_rate
from {{ ref('stg_ops__link_flag') }}
union all
select
    property_key,
    'site_wide',
    'publisher',
    subject_key,
    publisher,
    anchor,
    first_day,
    last_day,
    link_count,
    null,
    null,
    link_keys,
    1,
    null
from {{ ref('int_portfolio__find_repeats') }}
