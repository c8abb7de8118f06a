{{ read_kinds(['searches', 'page_searches', 'query_searches'], [
    'property_key', 'day', 'page_key', 'page_url', 'query_key', 'query', 'country', 'device', 'clicks',
    'impressions', 'position', 'observed_at',
]) }}
