with hits as (select * from {{ source('server_logs', 'human_hit') }})

select
    property_key,
    day,
    part,
    stream,
    path,
    has_query,
    class as visit_class,
    status_class,
    hit_count,
    byte_count,
    exported_at as observed_at
from hits
