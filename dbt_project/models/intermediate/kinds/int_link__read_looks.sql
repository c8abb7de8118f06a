{{ read_kinds(['link_looks'], [
    'property_key', 'day', 'source_page_key', 'source_url', 'target_page_key', 'target_url', 'is_expected',
    'presence', 'grade', 'reason', 'link_count', 'rel', 'anchor', 'place', 'found_url', 'is_rel_changed',
    'is_anchor_changed', 'is_noindex', 'is_canonicalised', 'referrer_policy', 'observed_at',
]) }}
