{{ config(materialized='table') }}

with
    beliefs as (select * from {{ ref('int_link__list_beliefs') }}),

    first_looks as (
        select property_key, witness, min(begin_day) as first_day
        from beliefs
        group by property_key, witness
    ),

    looks as (
        select property_key, max(day) as last_day
        from {{ ref('int_link__judge_looks') }}
        group by property_key
    ),

    finds as (
        select property_key, link_group_key, linking_key, witness, min(begin_day) as find_day
        from beliefs
        group by property_key, link_group_key, linking_key, witness
    ),

    -- From the first word of any witness, to the last night on which any had it.
    links as (
        select
            beliefs.property_key,
            beliefs.link_group_key,
            beliefs.linking_key,
            min(beliefs.begin_day) as born_day,
            least(max(beliefs.end_day), max(looks.last_day) + 1) as gone_day
        from beliefs
        inner join looks on looks.property_key = beliefs.property_key
        group by beliefs.property_key, beliefs.link_group_key, beliefs.linking_key
    ),

    -- What was there when the witness began to look has no delay that could be known.
    alone as (
        select
            links.property_key,
            first_looks.witness,
            date_trunc('month', links.born_day::timestamp)::date as month,
            links.linking_key,
            coalesce(finds.find_day, links.gone_day) - links.born_day as delay_days,
            finds.find_day is not null as is_found
        from links
        inner join
            first_looks
            on first_looks.property_key = links.property_key
            and first_looks.first_day < links.born_day
        left join
            finds
            on finds.property_key = links.property_key
            and finds.link_group_key = links.link_group_key
            and finds.witness = first_looks.witness
    )

select *, property_key as cluster_property
from alone
union all
-- All properties together.
select
    0,
    alone.witness,
    alone.month,
    alone.linking_key,
    alone.delay_days,
    alone.is_found,
    alone.property_key
from alone
inner join
    {{ ref('stg_ops__property') }} as properties on properties.property_key = alone.property_key
where properties.is_pooled
