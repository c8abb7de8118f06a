with rows_published as (select * from {{ source('ops', 'portfolio') }})

select
    property_key,
    dimension,
    weight,
    month,
    item_count,
    class_count,
    unknown_share,
    largest_share,
    gini,
    coverage,
    hill_1,
    hill_2,
    asymptotic_0,
    asymptotic_1,
    asymptotic_2,
    low_1,
    high_1,
    low_2,
    high_2,
    common_coverage,
    common_0,
    common_1,
    common_2,
    status
from rows_published
