{{ read_kinds(['placements'], [
    'property_key', 'day', 'partner', 'partner_key', 'campaign', 'campaign_key', 'placement_id', 'kind',
    'promised_url', 'source_page_key', 'source_domain', 'source_domain_key', 'target_url',
    'target_url_key', 'anchor', 'rel', 'placed_date', 'promised_until_date', 'price', 'currency',
    'payment', 'paid_from_date', 'paid_until_date', 'invoice', 'observed_at',
]) }}
