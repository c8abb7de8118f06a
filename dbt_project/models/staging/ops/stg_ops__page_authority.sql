with rows_published as (select * from {{ source('ops', 'page_authority') }})

select
    property_key,
    page_key,
    day,
    inlink_count,
    entering_domain_count,
    entering_authority,
    internal_share,
    entering_authority_share,
    trust_share,
    harmonic,
    is_approximate,
    is_converged
from rows_published
