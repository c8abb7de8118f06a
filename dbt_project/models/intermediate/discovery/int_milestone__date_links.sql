{{ config(materialized='table') }}

with
    -- Of a page's links of a kind the first; of one date the surer.
    links as (
        select distinct
            on (property_key, page_key, is_followed)
            property_key,
            page_key,
            case when is_followed then 'linked_followed' else 'linked_nofollow' end as milestone,
            case
                when event_date is not null then least(earliest_date, event_date - 1)
            end as after_date,
            coalesce(event_date, observed_date) as by_date,
            case
                when event_date is null
                then 'unknown_start'
                when is_uncertain_date
                then 'uncertain_date'
            end as reason
        from {{ ref('fct_link_event') }}
        where
            event_type in ('acquired', 'present_at_start')
            and page_key is not null
            and is_followed is not null
        order by
            property_key,
            page_key,
            is_followed,
            coalesce(event_date, observed_date),
            is_uncertain_date,
            event_key
    )

select
    property_key,
    page_key,
    'any' as engine,
    milestone,
    after_date,
    by_date,
    'link' as witness,
    reason
from links
