{{ read_kinds(['crawls'], [
    'property_key', 'day', 'page_key', 'url', 'status_code', 'final_status_code', 'final_page_key', 'final_url',
    'redirect_page_key', 'redirect_url', 'redirect_count', 'read_error', 'is_robots_allowed', 'is_in_sitemap',
    'canonical_url', 'canonical_page_key', 'depth', 'inlink_count', 'internal_link_count',
    'external_link_count', 'title', 'word_count', 'structured_data_types', 'hreflangs', 'content_type',
    'byte_count', 'response_ms', 'content_hash', 'meta_robots', 'x_robots_tag', 'observed_at',
]) }}
