-- depends_on: {{ ref('fct_link_rank_change') }}
-- depends_on: {{ ref('fct_search_performance') }}
-- depends_on: {{ ref('fct_serp_position') }}
{{ config(materialized='table') }}

select property_key, url_key, page_key, valid_from_date, valid_to_date
from {{ ref('int_page__version_pages') }}
