{{ read_kinds(['touches'], [
    'property_key', 'day', 'partner', 'partner_key', 'campaign', 'campaign_key', 'kind', 'direction',
    'outcome', 'minutes', 'cost', 'currency', 'touch_id', 'observed_at',
]) }}
