{{ read_kinds(['pages'], [
    'property_key', 'day', 'page_key', 'url', 'topic', 'published_date', 'observed_at',
]) }}
