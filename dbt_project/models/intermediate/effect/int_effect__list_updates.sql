{{ config(materialized='table') }}

select google_update_key, begins_on, coalesce(ends_on, 'infinity') as ends_on
from {{ ref('dim_google_update') }}
where is_confounder
