with patterns as (select * from {{ source('ops', 'brand_pattern') }})

select property_key, pattern_no, pattern
from patterns
