with rows_published as (select * from {{ source('ops', 'witness_bound') }})

select
    property_key,
    unit,
    month,
    seen_count,
    witness_count,
    bound_count,
    low_count,
    left_out,
    is_guarded,
    status,
    unseen_js_share
from rows_published
