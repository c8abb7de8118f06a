-- Each visit that a witness counted is in one row: one that a join lost or doubled would change
-- what links brought.
with
    claimed as (
        select distinct property_key, day
        from {{ source('ops', 'build_day') }} as build_day
        where build_id = {{ var('build_id') | int }} and {{ is_of_kind('build_day', ['visits']) }}
    ),

    counted as (
        select visit.property_key, visit.witness, visit.day, sum(visit.visit_count) as visit_count
        from {{ ref('int_referral__read_visits') }} as visit {{ join_days('visit') }}
        group by visit.property_key, visit.witness, visit.day
    ),

    modelled as (
        select visit.property_key, visit.witness, visit.day, sum(visit.visit_count) as visit_count
        from {{ ref('fct_referral_visit') }} as visit {{ join_days('visit') }}
        group by visit.property_key, visit.witness, visit.day
    )

select *
from counted
full join modelled using (property_key, witness, day)
where counted.visit_count is distinct from modelled.visit_count
