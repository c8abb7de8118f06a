{{ config(materialized='table') }}

with
    days as (select distinct property_key, witness, day from {{ ref('fct_referral_visit') }}),

    ends as (
        select property_key, witness, min(day) as first_day, max(day) as last_day
        from days
        group by property_key, witness
    )

select
    ends.property_key,
    ends.witness,
    spans.span,
    greatest(ends.first_day, ends.last_day - spans.day_count + 1) as first_day,
    ends.last_day
from ends
cross join (values ('days_28', 28), ('days_90', 90), ('life', 100000)) as spans(span, day_count)
