-- depends_on: {{ ref('int_link__keep_changes') }}
-- depends_on: {{ ref('int_link__keep_updates') }}
{{ config(materialized='table') }}

select
    property_key,
    event_key,
    event_date,
    page_key,
    topic,
    arm,
    is_event,
    is_uncertain_date,
    is_history_short
from {{ ref('int_link__judge_events') }}
