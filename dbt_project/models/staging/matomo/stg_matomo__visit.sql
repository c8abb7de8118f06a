with visits as (select * from {{ source('matomo', 'visit') }} where part = '')

select
    property_key,
    day,
    'matomo'::text as witness,
    {{ told_visit() }},
    null::bigint[] as other_url_keys,
    visits as visit_count,
    goal_conversions::double precision as key_event_count,
    revenue,
    currency
from visits
