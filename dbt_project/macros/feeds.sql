{#- Generated from the Source specs by seo_warehouse.steps.declared; do not edit. Read by kinds.sql. -#}
{% macro feeds() -%}
    {{- return([
        {'kind': 'crawls', 'source': 'site_crawl', 'table': 'page', 'origin': 'site_crawl', 'is_export': false},
        {'kind': 'crawl_links', 'source': 'site_crawl', 'table': 'link', 'origin': 'site_crawl', 'is_export': false},
        {'kind': 'checks', 'source': 'dataforseo_serp', 'table': 'task', 'origin': 'dataforseo', 'is_export': false},
        {'kind': 'results', 'source': 'dataforseo_serp', 'table': 'result', 'origin': 'dataforseo', 'is_export': false},
        {'kind': 'links', 'source': 'dataforseo_backlinks', 'table': 'backlink', 'origin': 'dataforseo', 'is_export': false},
        {'kind': 'query_searches', 'source': 'search_console', 'table': 'performance', 'origin': 'search_console', 'is_export': false},
        {'kind': 'search_totals', 'source': 'search_console', 'table': 'property_total', 'origin': 'search_console', 'is_export': false},
        {'kind': 'page_searches', 'source': 'search_console', 'table': 'page_total', 'origin': 'search_console', 'is_export': false},
        {'kind': 'links', 'source': 'exports', 'table': 'backlink', 'origin': 'exports', 'is_export': true},
        {'kind': 'checks', 'source': 'exports', 'table': 'ranking', 'origin': 'exports', 'is_export': true},
        {'kind': 'pages', 'source': 'exports', 'table': 'page', 'origin': 'exports', 'is_export': true},
        {'kind': 'page_changes', 'source': 'exports', 'table': 'page_change', 'origin': 'exports', 'is_export': true},
        {'kind': 'keywords', 'source': 'exports', 'table': 'keyword', 'origin': 'exports', 'is_export': true},
        {'kind': 'searches', 'source': 'exports', 'table': 'performance', 'origin': 'exports', 'is_export': true},
        {'kind': 'search_totals', 'source': 'exports', 'table': 'search_total', 'origin': 'exports', 'is_export': true},
        {'kind': 'search_lists', 'source': 'exports', 'table': 'search_summary', 'origin': 'exports', 'is_export': true},
        {'kind': 'crawls', 'source': 'exports', 'table': 'crawl_page', 'origin': 'exports', 'is_export': true},
        {'kind': 'incidents', 'source': 'google_updates', 'table': 'incident', 'origin': 'google_updates', 'is_export': false},
        {'kind': 'link_counts', 'source': 'bing_webmaster', 'table': 'link_count', 'origin': 'bing_webmaster', 'is_export': false},
        {'kind': 'links', 'source': 'bing_webmaster', 'table': 'link', 'origin': 'bing_webmaster', 'is_export': false},
        {'kind': 'crawler_addresses', 'source': 'bot_range', 'table': 'prefix', 'origin': 'bot_range', 'is_export': false},
        {'kind': 'bot_hits', 'source': 'server_logs', 'table': 'bot_hit', 'origin': 'server_logs', 'is_export': true},
        {'kind': 'log_hours', 'source': 'server_logs', 'table': 'segment', 'origin': 'server_logs', 'is_export': true},
        {'kind': 'index_looks', 'source': 'url_inspection', 'table': 'result', 'origin': 'url_inspection', 'is_export': false},
    ]) -}}
{%- endmacro %}
