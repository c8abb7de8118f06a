{{ read_kinds(['results'], [
    'property_key', 'day', 'keyword_key', 'engine', 'locale', 'device', 'item_no', 'item_type', 'group_position',
    'absolute_position', 'domain', 'domain_key', 'host', 'url', 'page_key', 'title', 'element_no', 'element_type',
    'question',
]) }}
