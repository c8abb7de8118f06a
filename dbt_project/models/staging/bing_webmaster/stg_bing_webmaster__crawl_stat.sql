with stats as (select * from {{ source('bing_webmaster', 'crawl_stat') }} where part = '')

select
    property_key,
    day,
    date as crawl_date,
    crawled_pages as crawled_page_count,
    in_index as indexed_page_count,
    in_links as inbound_link_count,
    crawl_errors as error_count,
    code_2xx as status_2xx_count,
    code_301 as status_301_count,
    code_302 as status_302_count,
    code_4xx as status_4xx_count,
    code_5xx as status_5xx_count,
    all_other_codes as other_status_count,
    blocked_by_robots_txt as robots_blocked_count,
    connection_timeout as connection_timeout_count,
    contains_malware as malware_page_count,
    dns_failures as dns_failure_count,
    observed_at
from stats
