-- depends_on: {{ ref('int_effect__sum_topics') }}
-- depends_on: {{ ref('int_effect__cross_arms') }}
-- depends_on: {{ ref('int_effect__cross_weeks') }}
{{ config(materialized='table') }}

select {{ event_levels() }}
from {{ ref('int_effect__describe_events') }}
