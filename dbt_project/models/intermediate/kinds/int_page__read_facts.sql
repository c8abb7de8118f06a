{{ read_kinds(['pages'], [
    'property_key', 'day', 'page_key', 'url', 'topic', 'observed_at',
]) }}
