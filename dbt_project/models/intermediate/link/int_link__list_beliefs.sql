{{ config(materialized='table', indexes=[{'columns': ['property_key', 'link_group_key']}]) }}

with
    looks as (
        select
            property_key,
            witness,
            day,
            lead(day) over (partition by property_key, witness order by day) as next_day
        from {{ ref('int_link__judge_looks') }}
    ),

    spans as (
        select
            groups.property_key,
            spans.witness,
            groups.link_group_key,
            groups.linking_key,
            spans.begin_day,
            coalesce(
                least(spans.claim_day, spans.first_absent_day),
                case when not spans.is_watching then looks.next_day end,
                'infinity'
            ) as end_day
        from {{ ref('int_link__find_spans') }} as spans
        inner join
            {{ ref('int_link__group_links') }} as groups
            on groups.property_key = spans.property_key
            and groups.link_key = spans.link_key
        left join
            looks
            on looks.property_key = spans.property_key
            and looks.witness = spans.witness
            and looks.day = spans.last_live_day
        where spans.last_live_day is not null
    )

select property_key, witness, link_group_key, linking_key, begin_day, end_day
from spans
where end_day > begin_day
