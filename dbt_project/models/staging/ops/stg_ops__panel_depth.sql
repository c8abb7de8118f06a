select property_key, from_date, coalesce(lead(from_date) over periods, 'infinity') as to_date, depth
from {{ source('ops', 'panel_depth') }}
window periods as (partition by property_key order by from_date)
