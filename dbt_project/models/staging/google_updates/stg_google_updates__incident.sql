with incidents as (select * from {{ source('google_updates', 'incident') }} where part = '')

select
    property_key,
    day,
    id as incident_id,
    number as incident_number,
    begin_at,
    created_at,
    end_at,
    modified_at,
    external_desc as incident_name,
    most_recent_update ->> 'text' as last_text,
    status_impact,
    severity,
    service_name,
    'https://status.search.google.com/' || uri as incident_url,
    observed_at
from incidents
