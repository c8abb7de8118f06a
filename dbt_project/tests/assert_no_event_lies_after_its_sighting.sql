-- A link event dated after the look that showed it would put the week "before" it after the link.
select property_key, event_key, event_date, observed_date
from {{ ref('fct_link_event') }}
where event_date > observed_date
