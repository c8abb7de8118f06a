{{ read_kinds(['disavowals'], [
    'property_key', 'day', 'statement', 'entry_type', 'entry', 'source_domain', 'source_domain_key', 'source_page_key',
]) }}
