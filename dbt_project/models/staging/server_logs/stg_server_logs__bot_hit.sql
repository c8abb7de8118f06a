with hits as (select * from {{ source('server_logs', 'bot_hit') }})

select
    property_key,
    day,
    part,
    stream,
    bot,
    operator,
    verdict,
    coalesce(url_normalised, url) as url,
    {{ page_key('url') }} as url_key,
    method,
    status_code,
    address_prefix,
    is_range_later,
    is_overflow,
    hit_count,
    byte_count,
    first_at,
    last_at,
    duration_us,
    timed_count,
    exported_at as observed_at
from hits
