{{ config(materialized='table') }} select * from {{ ref('int_link__find_bursts') }}
