{{ read_kinds(['page_visits'], [
    'property_key', 'day', 'source_page_key', 'source_url', 'source_domain', 'source_domain_key', 'host',
    'due_reason', 'is_asked', 'outcome', 'status_code', 'final_url', 'redirect_count', 'robots_state',
    'canonical_url', 'content_hash', 'property_link_count', 'response_ms', 'observed_at',
]) }}
