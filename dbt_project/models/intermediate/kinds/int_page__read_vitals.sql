{{ read_kinds(['page_vitals'], [
    'property_key', 'day', 'target_url', 'target_url_key', 'is_origin', 'form_factor', 'metric', 'first_date', 'last_date',
    'p75', 'good_share', 'needs_improvement_share', 'poor_share', 'observed_at',
]) }}
