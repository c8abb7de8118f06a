-- depends_on: {{ ref('fct_link_rank_change') }}
-- depends_on: {{ ref('int_link__keep_updates') }}
{{ config(materialized='table') }}

with
    events as (
        select
            property_key,
            event_key,
            event_date,
            event_type,
            page_key,
            source_domain_key,
            is_followed,
            is_uncertain_date
        from {{ ref('fct_link_event') }}
        where event_type in ('acquired', 'lost', 'restored')
    )

select *
from events
