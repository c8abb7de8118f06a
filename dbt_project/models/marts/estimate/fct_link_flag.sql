{{ config(materialized='table', tags=['after_estimates']) }}

select
    property_key,
    flag,
    case when subject = '' then 'property' else 'network' end as subject_kind,
    case when subject = '' then 0 else {{ key64('subject') }} end as subject_key,
    null as publisher,
    nullif(subject, '') as subject,
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
    null,
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
union all
select
    property_key,
    flag,
    subject_kind,
    subject_key,
    publisher,
    subject,
    null,
    first_day,
    last_day,
    counted,
    null,
    null,
    link_keys,
    1,
    null
from {{ ref('int_portfolio__find_facts') }}
