{{ read_kinds(['domain_ranks'], [
    'property_key', 'day', 'release', 'domain', 'domain_key', 'measure', 'value', 'rank_position', 'host_count',
    'observed_at',
]) }}
