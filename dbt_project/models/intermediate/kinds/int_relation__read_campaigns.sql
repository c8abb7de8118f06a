{{ read_kinds(['campaigns'], [
    'property_key', 'day', 'campaign', 'campaign_key', 'kind', 'begin_date', 'end_date', 'target_url',
    'target_url_key', 'budget', 'currency', 'observed_at',
]) }}
