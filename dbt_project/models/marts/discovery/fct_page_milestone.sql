{{ config(materialized='table', indexes=[{'columns': ['property_key', 'milestone', 'by_date']}]) }}

with
    bounds as (select *, false as is_implied from {{ ref('int_milestone__list_bounds') }}),

    -- What is shown is in the index, what is in the index was visited, and all of it was there.
    implied as (
        select
            bounds.property_key,
            bounds.page_key,
            case when follows.milestone = 'published' then 'any' else bounds.engine end as engine,
            follows.milestone,
            null::date as after_date,
            bounds.by_date,
            bounds.witness,
            null::text as reason,
            true as is_implied
        from bounds
        inner join
            (
                values
                    ('top10', 'top100'),
                    ('top10', 'indexed'),
                    ('top100', 'indexed'),
                    ('shown', 'indexed'),
                    ('top10', 'visited'),
                    ('top100', 'visited'),
                    ('shown', 'visited'),
                    ('indexed', 'visited'),
                    ('top10', 'published'),
                    ('top100', 'published'),
                    ('shown', 'published'),
                    ('indexed', 'published'),
                    ('visited', 'published')
            ) as follows(told, milestone)
            on follows.told = bounds.milestone
    ),

    every_bound as (
        select *
        from bounds
        union all
        select *
        from implied
    ),

    -- The first that was told stands; of one day what was seen before what follows from it.
    earliest as (
        select distinct
            on (property_key, page_key, engine, milestone)
            property_key,
            page_key,
            engine,
            milestone,
            by_date,
            witness,
            is_implied,
            reason
        from every_bound
        order by property_key, page_key, engine, milestone, by_date, is_implied, witness, reason
    ),

    bounded as (
        select
            earliest.property_key,
            earliest.page_key,
            earliest.engine,
            earliest.milestone,
            earliest.by_date,
            earliest.witness,
            earliest.is_implied,
            earliest.reason,
            max(every_bound.after_date) as after_date
        from earliest
        inner join
            every_bound
            on every_bound.property_key = earliest.property_key
            and every_bound.page_key = earliest.page_key
            and every_bound.engine = earliest.engine
            and every_bound.milestone = earliest.milestone
        where every_bound.after_date is null or every_bound.after_date < earliest.by_date
        group by
            earliest.property_key,
            earliest.page_key,
            earliest.engine,
            earliest.milestone,
            earliest.by_date,
            earliest.witness,
            earliest.is_implied,
            earliest.reason
    ),

    published as (
        select property_key, page_key, after_date from bounded where milestone = 'published'
    ),

    -- What an engine does with a page, it does after the page is there.
    tightened as (
        select
            bounded.*,
            case
                when bounded.engine <> 'any' and published.after_date < bounded.by_date
                then greatest(bounded.after_date, published.after_date)
                else bounded.after_date
            end as tight_after_date
        from bounded
        left join
            published
            on published.property_key = bounded.property_key
            and published.page_key = bounded.page_key
    )

select
    property_key,
    page_key,
    engine,
    milestone,
    tight_after_date as after_date,
    by_date,
    witness,
    coalesce(by_date - tight_after_date = 1, false) as is_exact,
    is_implied,
    case
        when tight_after_date is null
        then coalesce(reason, 'unknown_start')
        when reason <> 'unknown_start'
        then reason
    end as reason
from tightened
