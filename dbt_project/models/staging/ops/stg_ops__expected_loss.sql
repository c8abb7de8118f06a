with rows_published as (select * from {{ source('ops', 'expected_loss') }})

select
    property_key,
    link_count,
    untold_link_count,
    domain_count,
    expected_loss_count,
    interval_low,
    interval_high,
    status
from rows_published
