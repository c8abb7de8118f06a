with properties as (select * from {{ ref('stg_ops__property') }})

select
    property_key,
    property_name,
    domain,
    {{ domain_key('domain') }} as domain_key,
    history_start_date,
    engine,
    location_code,
    language_code,
    location_code || '-' || language_code as locale,
    depth,
    is_active
from properties
