-- depends_on: {{ ref('fct_link_rank_change') }}
-- depends_on: {{ ref('int_effect__measure_units') }}
-- depends_on: {{ ref('int_effect__sum_topics') }}
{{ config(materialized='table') }}

select google_update_key, begins_on, coalesce(ends_on, 'infinity') as ends_on
from {{ ref('dim_google_update') }}
where is_confounder
