{{ config(materialized='table') }}

select
    events.property_key,
    events.event_date as day,
    case when links.network_kind = 'own' then links.source_network end as network,
    events.link_key
from {{ ref('fct_link_event') }} as events
inner join
    {{ ref('dim_link') }} as links
    on links.property_key = events.property_key
    and links.link_key = events.link_key
where
    events.event_type = 'acquired' and events.is_first_from_domain and not events.is_uncertain_date
