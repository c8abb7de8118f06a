{{ read_kinds(['landings'], [
    'property_key', 'day', 'witness', 'source_host', 'landing_url_key', 'session_count', 'key_event_count', 'revenue',
    'currency',
]) }}
