{{ read_kinds(['partners'], [
    'property_key', 'day', 'partner', 'partner_key', 'site_url', 'site_page_key', 'source_domain',
    'source_domain_key', 'kind', 'owner_since_date', 'owner_until_date', 'country', 'language', 'topic',
    'price', 'currency', 'observed_at',
]) }}
