-- depends_on: {{ ref('int_effect__keep_levels') }}
{{ config(materialized='table') }} select * from {{ ref('int_link__place_changes') }}
