with rows_published as (select * from {{ source('ops', 'referral_estimate') }})

select
    property_key,
    witness,
    source_host_key,
    page_key,
    link_key,
    span,
    visit_count,
    visit_low,
    visit_high,
    set_visit_count,
    candidate_count,
    own_weight,
    is_pooled_prior
from rows_published
