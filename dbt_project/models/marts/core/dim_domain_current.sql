select
    domain_key,
    domain,
    vendor,
    measure,
    value,
    scale_min,
    scale_max,
    authority,
    valid_from_date,
    last_read_date
from {{ ref('dim_domain') }}
where valid_to_date is null
