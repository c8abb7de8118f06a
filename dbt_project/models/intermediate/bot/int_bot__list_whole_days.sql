select property_key, day
from {{ ref('fct_log_day') }}
group by property_key, day
having bool_and(is_whole)
