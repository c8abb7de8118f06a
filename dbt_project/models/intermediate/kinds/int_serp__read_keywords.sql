{{ read_kinds(['keywords'], [
    'property_key', 'day', 'keyword_key', 'keyword', 'page_key', 'page_url', 'topic', 'is_brand', 'observed_at',
]) }}
