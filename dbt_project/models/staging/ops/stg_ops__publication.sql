with publications as (select * from {{ source('ops', 'publication') }})

select
    property_key,
    source,
    table_name,
    part,
    day,
    row_count,
    coalesce((facts ->> 'is_full')::boolean, false) as is_full,
    coalesce((facts ->> 'is_complete')::boolean, false) as is_complete,
    coalesce((facts ->> 'is_capped')::boolean, false) as is_capped,
    coalesce((facts ->> 'is_provisional')::boolean, false) as is_provisional,
    coalesce((facts ->> 'is_other')::boolean, false)
    or coalesce((facts ->> 'is_thresholded')::boolean, false)
    or coalesce((facts ->> 'is_truncated')::boolean, false)
    or coalesce((facts ->> 'sample_share')::double precision, 1) < 1 as is_partial,
    (facts ->> 'since')::date as since_date,
    published_at
from publications
where is_current
