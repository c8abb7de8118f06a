select domain_key, domain, vendor, authority, valid_from_date, last_read_date
from {{ ref('dim_domain') }}
where valid_to_date is null
