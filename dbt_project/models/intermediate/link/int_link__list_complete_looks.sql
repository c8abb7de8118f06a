{{ config(materialized='table', indexes=[{'columns': ['property_key', 'witness', 'day'], 'unique': True}]) }}

with
    looks as (
        select
            property_key,
            witness,
            day,
            lead(day) over days_of_witness as next_day,
            max(day) filter (where is_complete_look) over days_of_witness as complete_day
        from {{ ref('int_link__judge_looks') }}
        window days_of_witness as (partition by property_key, witness order by day)
    )

select looks.property_key, looks.witness, looks.day + shift.days as day, looks.complete_day
from looks
cross join lateral generate_series(0, looks.next_day - looks.day - 1) as shift(days)
where looks.complete_day is not null
