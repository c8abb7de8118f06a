{{ config(materialized='table', indexes=[{'columns': ['property_key', 'link_group_key']}]) }}

with
    spans as (
        select
            groups.property_key,
            spans.witness,
            groups.link_group_key,
            groups.linking_key,
            spans.begin_day,
            coalesce(
                least(spans.claim_day, spans.first_absent_day),
                case when spans.is_watching then 'infinity' else spans.last_live_day + 1 end
            ) as end_day
        from {{ ref('int_link__find_spans') }} as spans
        inner join
            {{ ref('int_link__group_links') }} as groups
            on groups.property_key = spans.property_key
            and groups.link_key = spans.link_key
        where spans.last_live_day is not null
    )

select property_key, witness, link_group_key, linking_key, begin_day, end_day
from spans
where end_day > begin_day
