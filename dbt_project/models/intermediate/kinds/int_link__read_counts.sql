{{ read_kinds(['link_counts'], [
    'property_key', 'day', 'literal_url', 'page_url', 'page_key', 'link_count', 'is_asked', 'observed_at',
]) }}
