{{ config(materialized='table', tags=['after_estimates']) }}

select *
from {{ ref('stg_ops__page_authority') }}
