{{ config(materialized='table', indexes=[{'columns': ['property_key', 'page_key', 'change_date']}]) }}

with
    stays as (select * from {{ ref('int_link__merge_stays') }}),

    changes as (
        select *, 'gained' as direction, begin_date as change_date
        from stays
        where begin_date > '-infinity'
        union all
        select *, 'lost' as direction, end_date as change_date
        from stays
        where end_date < 'infinity'
    )

select distinct
    changes.property_key,
    changes.page_key,
    pages.topic,
    changes.linking_key,
    changes.rel_class,
    changes.direction,
    changes.change_date,
    changes.from_date,
    changes.to_date
from changes
left join
    {{ ref('dim_page') }} as pages
    on pages.property_key = changes.property_key
    and pages.page_key = changes.page_key
