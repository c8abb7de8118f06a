with tasks as (select * from {{ source('dataforseo_serp', 'task') }} where part = '')

select
    property_key,
    day,
    {{ key64('keyword') }} as keyword_key,
    keyword,
    'google' as engine,
    location_code,
    language_code,
    null::text as country,
    device,
    task_id,
    -- What the answer says of itself; a page of results says the rest.
    case
        when status_code is null or status_code not in (20000, 40102)
        then 'failed'
        when status_code = 40102
        then 'not_found'
    end as stated_state,
    depth,
    null::integer as position,
    null::text as ranking_url,
    null::bigint as ranking_page_key,
    null::text as ranking_host,
    status_code,
    status_message as failure,
    se_domain as engine_domain,
    check_url,
    item_types,
    se_results_count as claimed_result_count,
    items_count as item_count,
    coalesce(answer = 'advanced', false) as has_elements,
    money,
    observed_at
from tasks
