with
    states as (select * from {{ ref('stg_ops__night_completeness') }}),

    published as (
        select property_key, source, table_name, day, sum(row_count)::bigint as row_count
        from {{ ref('stg_ops__publication') }}
        group by property_key, source, table_name, day
    )

select
    states.property_key,
    states.source,
    states.table_name,
    states.day,
    states.state,
    published.row_count
from states
left join
    published
    on published.property_key = states.property_key
    and published.source = states.source
    and published.table_name = states.table_name
    and published.day = states.day
