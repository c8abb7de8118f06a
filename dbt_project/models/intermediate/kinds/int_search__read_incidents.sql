{{ read_kinds(['incidents'], [
    'property_key', 'day', 'incident_id', 'incident_name', 'begin_at', 'end_at', 'service_name', 'incident_url',
]) }}
