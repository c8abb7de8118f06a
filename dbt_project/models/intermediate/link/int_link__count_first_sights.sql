{{ config(materialized='table', indexes=[{'columns': ['property_key', 'witness', 'day'], 'unique': True}]) }}

with
    firsts as (
        select property_key, witness, first_sight_date as day, count(*) as first_sight_count
        from {{ ref('int_link__find_spans') }}
        where span_no = 1 and first_sight_date is not null
        group by property_key, witness, first_sight_date
    ),

    histories as (
        select property_key, witness, min(day) as first_day
        from
            (
                select property_key, witness, day
                from firsts
                union all
                select property_key, witness, day
                from {{ ref('int_link__judge_looks') }}
                where is_complete_look
            ) as known_days
        group by property_key, witness
    ),

    -- The 28 days before, one row each; days without a first sight count as 0.
    days_before as (
        select
            firsts.property_key,
            firsts.witness,
            firsts.day,
            firsts.first_sight_count,
            coalesce(earlier.first_sight_count, 0) as earlier_count
        from firsts
        inner join
            histories
            on histories.property_key = firsts.property_key
            and histories.witness = firsts.witness
            and histories.first_day <= firsts.day - 28
        cross join generate_series(1, 28) as shift(days)
        left join
            firsts as earlier
            on earlier.property_key = firsts.property_key
            and earlier.witness = firsts.witness
            and earlier.day = firsts.day - shift.days
    ),

    medians as (
        select
            property_key,
            witness,
            day,
            percentile_cont(0.5) within group (order by earlier_count) as median_before
        from days_before
        group by property_key, witness, day
    )

-- Where most days bring no link the median is 0 and would make every link suspect: it counts as 1
-- then.
select
    firsts.property_key,
    firsts.witness,
    firsts.day,
    firsts.first_sight_count,
    medians.median_before,
    medians.median_before is not null
    and firsts.first_sight_count > 5 * greatest(medians.median_before, 1) as is_index_change
from firsts
left join
    medians
    on medians.property_key = firsts.property_key
    and medians.witness = firsts.witness
    and medians.day = firsts.day
