{{ read_kinds(['page_changes'], [
    'property_key', 'day', 'page_key', 'url', 'kind',
]) }}
