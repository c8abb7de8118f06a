{%- set cell = 'property_key, dimension, class' -%}
{{ config(materialized='table') }}

with
    lives as (select * from {{ ref('int_portfolio__list_lives') }}),

    watched as (select {{ cell }}, max(exit_days) as last_days from lives group by {{ cell }}),

    changes as (
        select {{ cell }}, entry_days as age_days, 1 as entered, 0 as gone, 0 as lost
        from lives
        union all
        select {{ cell }}, exit_days, 0, 1, is_lost::integer
        from lives
        -- Ages that are told of, whether something changes there or not.
        union all
        select {{ cell }}, age_days, 0, 0, 0
        from watched
        cross join unnest(array{{ var('survival_ages') }}) as age_days
        where age_days < last_days
    ),

    -- At risk at an age is what entered before it and had not gone before it.
    at_risk as (
        select
            {{ cell }},
            age_days,
            sum(lost)::double precision as lost,
            (
                sum(sum(entered - gone)) over (
                    partition by {{ cell }}
                    order by age_days
                    rows between unbounded preceding and 1 preceding
                )
            )::double precision as at_risk
        from changes
        group by {{ cell }}, age_days
    )

select
    {{ cell }},
    age_days,
    at_risk,
    sum(lost) over to_here as lost_count,
    sum(case when lost > 0 and lost < at_risk then ln(1 - lost / at_risk) else 0 end) over to_here
    as log_survival,
    sum(case when lost > 0 then lost / (at_risk * at_risk) else 0 end) over to_here
    as hazard_square,
    coalesce(bool_or(lost > 0 and lost = at_risk) over to_here, false) as is_over
from at_risk
window to_here as (partition by {{ cell }} order by age_days)
