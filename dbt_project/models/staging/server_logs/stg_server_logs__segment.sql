with segments as (select * from {{ source('server_logs', 'segment') }})

select
    property_key,
    day,
    part,
    stream,
    hour,
    file_name,
    line_count,
    malformed_count,
    bot_hit_count,
    first_at,
    last_at,
    exported_at as observed_at
from segments
