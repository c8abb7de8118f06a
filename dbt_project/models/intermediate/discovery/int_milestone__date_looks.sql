{{ config(materialized='table') }}

with
    looks as (select * from {{ ref('int_milestone__place_looks') }}),

    firsts as (
        select property_key, page_key, engine, min(day) as by_date
        from looks
        where is_indexed
        group by property_key, page_key, engine
    ),

    dated as (
        select
            firsts.property_key,
            firsts.page_key,
            firsts.engine,
            firsts.by_date,
            max(looks.day) as after_date
        from firsts
        left join
            looks
            on looks.property_key = firsts.property_key
            and looks.page_key = firsts.page_key
            and looks.engine = firsts.engine
            and looks.day < firsts.by_date
        group by firsts.property_key, firsts.page_key, firsts.engine, firsts.by_date
    )

select
    property_key,
    page_key,
    engine,
    'indexed' as milestone,
    after_date,
    by_date,
    'inspection' as witness,
    case when after_date is null then 'unknown_start' end as reason
from dated
