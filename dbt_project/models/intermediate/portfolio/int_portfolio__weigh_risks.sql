{{ config(materialized='table', indexes=[{'columns': ['property_key', 'link_key']}]) }}

with
    looks as ({{ link_looks() }}),

    -- A curve says something up to the last age at which enough are watched.
    curves as (
        select property_key, dimension, class, max(age_days) as last_age_days
        from {{ ref('rpt_link_survival') }}
        where status = 'estimate' and dimension in ('all', 'rel_class')
        group by property_key, dimension, class
    ),

    steps as (
        select
            property_key,
            dimension,
            class,
            age_days as from_days,
            lead(age_days) over (
                partition by property_key, dimension, class order by age_days
            ) as to_days,
            log_survival
        from {{ ref('int_portfolio__trace_survival') }}
        where dimension in ('all', 'rel_class')
    ),

    -- Whose birth nobody knows is at least as old as its first sight.
    living as (
        select
            link.property_key,
            link.link_key,
            {{ linking_key('link') }} as linking_key,
            case
                when link.is_followed
                then 'followed'
                when not link.is_followed
                then 'nofollow'
                else 'unknown'
            end as rel_class,
            greatest(
                looks.last_day
                - coalesce(lifespan.last_sight_date - lives.exit_days, lifespan.first_sight_date),
                0
            ) as age_days,
            lives.link_key is not null as is_age_known
        from {{ ref('dim_link') }} as link
        inner join looks on looks.property_key = link.property_key
        inner join
            {{ ref('fct_link_lifespan') }} as lifespan
            on lifespan.property_key = link.property_key
            and lifespan.link_key = link.link_key
        left join
            {{ ref('int_portfolio__list_lives') }} as lives
            on lives.property_key = link.property_key
            and lives.link_key = link.link_key
            and lives.dimension = 'all'
            and not lives.is_lost
        where link.state = 'live'
    ),

    -- By its rel where that says enough, else as all links do.
    sorted as (
        select
            living.*,
            case
                when of_rel.property_key is not null
                then 'rel_class'
                when of_all.property_key is not null
                then 'all'
            end as dimension,
            coalesce(of_rel.class, of_all.class) as class
        from living
        left join
            curves as of_rel
            on of_rel.property_key = living.property_key
            and of_rel.dimension = 'rel_class'
            and of_rel.class = living.rel_class
            and of_rel.last_age_days >= living.age_days + 90
        left join
            curves as of_all
            on of_all.property_key = living.property_key
            and of_all.dimension = 'all'
            and of_all.last_age_days >= living.age_days + 90
    ),

    ages as (
        select distinct property_key, dimension, class, age_days
        from sorted
        where dimension is not null
    ),

    chances as (
        select
            ages.*,
            coalesce(now.log_survival, 0) as log_survival,
            1 - exp(
                coalesce(later.log_survival, 0) - coalesce(now.log_survival, 0)
            ) as loss_probability
        from ages
        {%- for name, days in [('now', 'ages.age_days'), ('later', 'ages.age_days + 90')] %}
            left join
                steps as {{ name }}
                on {{ name }}.property_key = ages.property_key
                and {{ name }}.dimension = ages.dimension
                and {{ name }}.class = ages.class
                and {{ name }}.from_days <= {{ days }}
                and ({{ name }}.to_days > {{ days }} or {{ name }}.to_days is null)
        {%- endfor %}
    ),

    -- What of the next 90 days lies under the curve: before its first step all live.
    remaining as (
        select
            ages.property_key,
            ages.dimension,
            ages.class,
            ages.age_days,
            greatest(least(min(steps.from_days), ages.age_days + 90) - ages.age_days, 0) + sum(
                (
                    least(steps.to_days, ages.age_days + 90)
                    - greatest(steps.from_days, ages.age_days)
                )
                * exp(steps.log_survival - ages.log_survival)
            ) as expected_days
        from chances as ages
        inner join
            steps
            on steps.property_key = ages.property_key
            and steps.dimension = ages.dimension
            and steps.class = ages.class
            and steps.from_days < ages.age_days + 90
            and (steps.to_days > ages.age_days or steps.to_days is null)
        group by ages.property_key, ages.dimension, ages.class, ages.age_days
    )

select
    sorted.property_key,
    sorted.link_key,
    sorted.linking_key,
    sorted.dimension,
    sorted.class,
    sorted.age_days,
    sorted.is_age_known,
    chances.loss_probability,
    remaining.expected_days
from sorted
left join
    chances
    on chances.property_key = sorted.property_key
    and chances.dimension = sorted.dimension
    and chances.class = sorted.class
    and chances.age_days = sorted.age_days
left join
    remaining
    on remaining.property_key = sorted.property_key
    and remaining.dimension = sorted.dimension
    and remaining.class = sorted.class
    and remaining.age_days = sorted.age_days
