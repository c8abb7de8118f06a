-- depends_on: {{ ref('fct_link_rank_change') }}
-- depends_on: {{ ref('int_effect__measure_units') }}
-- depends_on: {{ ref('int_effect__sum_topics') }}
{{ config(materialized='table') }} select * from {{ ref('int_link__place_changes') }}
