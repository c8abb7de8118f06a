{{ config(materialized='table') }}

-- Of a URL that led elsewhere the engine tells of another page.
select
    look.property_key,
    look.url_key as page_key,
    look.engine,
    look.day,
    coalesce(look.stated_state = 'indexed', false) as is_indexed
from
    {{ ref('int_index__read_looks') }}
    as look {{ join_page_version('look', 'url_key', 'look.day') }}
where
    look.refusal is null
    and (look.stated_state is not null or look.stated_reason is not null)
    and {{ page_as_of('look', 'url_key') }} = look.url_key
