{{ read_kinds(['rank_quantiles'], [
    'property_key', 'day', 'release', 'measure', 'value', 'rank_position', 'observed_at',
]) }}
