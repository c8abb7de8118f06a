{{ read_kinds(['visits'], [
    'property_key', 'day', 'witness', 'referrer_state', 'referrer_url', 'referrer_host', 'referrer_domain',
    'referrer_url_key', 'other_url_keys', 'landing_url', 'landing_url_key', 'landing_tag', 'visit_count',
    'key_event_count', 'revenue', 'currency',
]) }}
