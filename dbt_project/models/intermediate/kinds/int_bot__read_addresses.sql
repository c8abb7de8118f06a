{{ read_kinds(['crawler_addresses'], [
    'property_key', 'day', 'list_name', 'operator', 'prefix', 'observed_at',
]) }}
