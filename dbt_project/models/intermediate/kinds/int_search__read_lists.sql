{{ read_kinds(['search_lists'], [
    'property_key', 'day', 'last_day', 'dimension', 'value', 'clicks', 'impressions', 'position', 'observed_at',
]) }}
