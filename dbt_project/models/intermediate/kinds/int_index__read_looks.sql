{{ read_kinds(['index_looks'], [
    'property_key', 'day', 'url', 'url_key', 'engine', 'stated_state', 'stated_reason', 'verdict', 'indexing_state',
    'robots_txt_state', 'page_fetch_state', 'crawled_as', 'last_crawled_at', 'canonical_url', 'canonical_url_key',
    'declared_canonical_url', 'declared_canonical_url_key', 'sitemap_urls', 'referring_urls', 'inspection_url',
    'refusal', 'observed_at',
]) }}
