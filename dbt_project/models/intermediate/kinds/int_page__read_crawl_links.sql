{{ read_kinds(['crawl_links'], [
    'property_key', 'day', 'source_page_key', 'target_page_key', 'rel', 'is_internal',
]) }}
