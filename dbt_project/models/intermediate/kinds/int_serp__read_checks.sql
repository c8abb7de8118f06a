{{ read_kinds(['checks'], [
    'property_key', 'day', 'keyword_key', 'keyword', 'engine', 'location_code', 'country', 'language_code', 'device',
    'stated_state', 'depth', 'position', 'ranking_url', 'ranking_page_key', 'ranking_host', 'item_count',
    'claimed_result_count', 'item_types', 'has_elements', 'failure', 'observed_at',
]) }}
