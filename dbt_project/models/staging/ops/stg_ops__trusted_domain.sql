with domains as (select * from {{ source('ops', 'trusted_domain') }})

select property_key, domain
from domains
