with prefixes as (select * from {{ source('bot_range', 'prefix') }} where part = '')

select property_key, day, list as list_name, operator, prefix, observed_at
from prefixes
