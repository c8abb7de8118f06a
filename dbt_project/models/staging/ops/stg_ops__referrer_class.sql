with classes as (select * from {{ source('ops', 'referrer_class') }})

select property_key, host, class
from classes
