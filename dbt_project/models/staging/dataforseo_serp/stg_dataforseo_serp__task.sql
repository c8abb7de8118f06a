with tasks as (select * from {{ source('dataforseo_serp', 'task') }} where part = '')

select
    property_key,
    day,
    {{ key64('keyword') }} as keyword_key,
    keyword,
    'google' as engine,
    location_code,
    language_code,
    location_code || '-' || language_code as locale,
    device,
    task_id,
    depth,
    status_code,
    status_message,
    se_domain as engine_domain,
    check_url,
    item_types,
    se_results_count as claimed_result_count,
    items_count as item_count,
    money,
    observed_at
from tasks
