with rows_published as (select * from {{ source('ops', 'authority_calibration') }})

select vendor, measure, score, percentile, percentile_low, percentile_high, pair_count
from rows_published
