{{ read_kinds(['search_totals'], [
    'property_key', 'day', 'clicks', 'impressions', 'position', 'observed_at',
]) }}
