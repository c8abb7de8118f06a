with rankings as (select * from {{ source('exports', 'ranking') }})

select
    property_key,
    day,
    part,
    {{ key64('keyword') }} as keyword_key,
    keyword,
    engine,
    null::integer as location_code,
    country,
    language as language_code,
    device,
    state as stated_state,
    depth,
    position,
    coalesce(url_normalised, url) as ranking_url,
    {{ page_key('url') }} as ranking_page_key,
    {{ url_host('url_normalised') }} as ranking_host,
    null::integer as item_count,
    null::bigint as claimed_result_count,
    null::text[] as item_types,
    false as has_elements,
    case when state = 'failed' then 'The export says so.' end as failure,
    exported_at as observed_at
from rankings
