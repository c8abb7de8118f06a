{{ config(materialized='table') }}

with
    publications as (select * from {{ ref('stg_ops__publication') }}),

    log_days as (select * from {{ ref('fct_log_day') }}),

    told as (
        select property_key, {{ origin_of('publication') }} as witness, day
        from publications as publication
        where is_partial and {{ is_of_kind('publication', ['visits'], is_export=false) }}
    ),

    written as (
        select property_key, 'logs' as witness, day
        from log_days
        group by property_key, day
        having not bool_and(is_whole)
    )

select property_key, witness, day
from told
union
select property_key, witness, day
from written
