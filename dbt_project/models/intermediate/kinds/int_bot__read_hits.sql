{{ read_kinds(['bot_hits'], [
    'property_key', 'day', 'stream', 'bot', 'operator', 'verdict', 'url', 'url_key', 'status_code',
    'is_range_later', 'hit_count', 'byte_count', 'first_at', 'last_at',
    'duration_us', 'timed_count',
]) }}
