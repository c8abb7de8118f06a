{#- Generated from metrics.yml by seo_warehouse.steps.declared; do not edit. Read by metric_daily. -#}
{% macro metrics() -%}
    {{- return([
        {"name": "clicks", "mart": "fct_search_total", "time": "day", "numerator": "sum(clicks)"},
        {"name": "impressions", "mart": "fct_search_total", "time": "day", "numerator": "sum(impressions)"},
        {"name": "ctr", "mart": "fct_search_total", "time": "day", "numerator": "sum(clicks)", "denominator": "sum(impressions)"},
        {"name": "search_position", "mart": "fct_search_total", "time": "day", "numerator": "sum(position_sum)", "denominator": "sum(impressions)"},
        {"name": "anonymised_click_share", "mart": "fct_search_total", "time": "day", "numerator": "sum(page_clicks - query_clicks) filter (where not is_capped)", "denominator": "sum(page_clicks) filter (where not is_capped and query_clicks is not null)"},
        {"name": "brand_click_share", "mart": "fct_search_performance", "time": "day", "numerator": "sum(clicks) filter (where is_brand)", "denominator": "sum(clicks)", "join": {"mart": "dim_query", "using": ["property_key", "query_key"]}},
        {"name": "valid_checks", "mart": "rpt_serp_visibility", "time": "day", "numerator": "sum(valid_check_count)"},
        {"name": "found_share", "mart": "rpt_serp_visibility", "time": "day", "numerator": "sum(found_count)", "denominator": "sum(valid_check_count)"},
        {"name": "share_of_top3", "mart": "rpt_serp_visibility", "time": "day", "numerator": "sum(top3_count)", "denominator": "sum(valid_check_count)"},
        {"name": "share_of_top10", "mart": "rpt_serp_visibility", "time": "day", "numerator": "sum(top10_count)", "denominator": "sum(valid_check_count)"},
        {"name": "check_position", "mart": "rpt_serp_visibility", "time": "day", "numerator": "sum(position_sum)", "denominator": "sum(found_count)"},
        {"name": "click_share", "mart": "rpt_serp_visibility", "time": "day", "numerator": "sum(click_share_sum)", "denominator": "sum(valid_check_count)"},
        {"name": "links_gained", "mart": "rpt_link_profile", "time": "day", "numerator": "sum(gained_link_count)"},
        {"name": "links_lost", "mart": "rpt_link_profile", "time": "day", "numerator": "sum(lost_link_count)"},
        {"name": "domains_gained", "mart": "rpt_link_profile", "time": "day", "numerator": "sum(gained_referring_domain_count)"},
        {"name": "domains_lost", "mart": "rpt_link_profile", "time": "day", "numerator": "sum(lost_referring_domain_count)"},
        {"name": "link_days", "mart": "rpt_link_profile", "time": "day", "numerator": "sum(link_count)"},
        {"name": "follow_share", "mart": "rpt_link_profile", "time": "day", "numerator": "sum(followed_link_count)", "denominator": "sum(link_count)"},
        {"name": "crawler_visits", "mart": "fct_bot_crawl", "time": "day", "numerator": "sum(hit_count) filter (where verdict = 'verified')"},
        {"name": "spend", "mart": "rpt_spend", "time": "call_date", "numerator": "sum(money)"},
    ]) -}}
{%- endmacro %}
