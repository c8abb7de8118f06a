{{ config(materialized='table', indexes=[{'columns': ['property_key']}]) }}

select publication.property_key, 'checks' as kind, max(publication.day) as last_day
from {{ ref('stg_ops__publication') }} as publication
where {{ is_of_kind('publication', ['checks']) }}
group by publication.property_key
union all
-- Totals by page that are whole say so of pages without a row too.
select publication.property_key, 'searches' as kind, max(publication.day) as last_day
from {{ ref('stg_ops__publication') }} as publication
where
    {{ is_of_kind('publication', ['searches', 'page_searches']) }}
    and (
        publication.row_count > 0
        or ({{ is_of_kind('publication', ['page_searches']) }} and not publication.is_capped)
    )
group by publication.property_key
union all
select property_key, 'looks' as kind, max(day) as last_day
from {{ ref('int_link__judge_looks') }}
where is_complete_look
group by property_key
