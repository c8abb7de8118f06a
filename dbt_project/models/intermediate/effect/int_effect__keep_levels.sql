-- depends_on: {{ ref('int_effect__sum_topics') }}
{{ config(materialized='table') }}

select {{ event_levels() }}
from {{ ref('int_effect__describe_events') }}
