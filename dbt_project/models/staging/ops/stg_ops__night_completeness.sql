with states as (select * from {{ source('ops', 'night_completeness') }})

select property_key, source, table_name, day, state
from states
