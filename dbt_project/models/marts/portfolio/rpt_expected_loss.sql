{{ config(materialized='table', tags=['after_estimates']) }}

select *
from {{ ref('stg_ops__expected_loss') }}
