{{ config(materialized='table') }}

with
    facts as (select * from {{ ref('int_page__read_facts') }} where published_date is not null),

    placed as (
        select facts.*, {{ page_as_of('facts', 'page_key') }} as milestone_page_key
        from facts {{ join_page_version('facts', 'page_key', 'facts.published_date') }}
    ),

    -- What was stated last stands.
    stated as (
        select distinct
            on (property_key, milestone_page_key) property_key, milestone_page_key, published_date
        from placed
        order by
            property_key, milestone_page_key, day desc, observed_at desc, published_date, origin
    )

select
    property_key,
    milestone_page_key as page_key,
    'any' as engine,
    'published' as milestone,
    published_date - 1 as after_date,
    published_date as by_date,
    'statement' as witness,
    null::text as reason
from stated
