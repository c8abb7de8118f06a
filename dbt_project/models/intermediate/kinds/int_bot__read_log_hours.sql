{{ read_kinds(['log_hours'], [
    'property_key', 'day', 'stream', 'hour', 'line_count', 'malformed_count', 'bot_hit_count', 'first_at', 'last_at',
]) }}
