with malformed_lines as (select * from {{ source('server_logs', 'malformed_line') }})

select property_key, day, part, stream, line_no, reason, line, exported_at as observed_at
from malformed_lines
