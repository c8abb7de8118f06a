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

    -- A rate that is known from so few days is uncertain itself, as one link more tells; and days
    -- of a property that does PR differ by more than chance. Both are what r is small by.
    rates as (
        select
            property_key,
            witness,
            day,
            first_sight_count,
            (sum(earlier_count) + 1) / 29.0::double precision as daily_mean,
            least(
                sum(earlier_count) + 1,
                avg(earlier_count) ^ 2
                / nullif(greatest(var_samp(earlier_count) - avg(earlier_count), 0), 0)
            )::double precision as size
        from days_before
        group by property_key, witness, day, first_sight_count
    ),

    judged as (
        select rates.*, tails.probability < 0.0001 as is_improbable
        from rates
        -- Negative binomial: one less the probabilities of fewer, each by what it is more often
        -- than the one before.
        cross join
            lateral(
                select 1 - sum(exp(masses.log_mass)) as probability
                from
                    (
                        select
                            sum(
                                case
                                    when number = 0
                                    then - size * ln(1 + daily_mean / size)
                                    else
                                        ln(
                                            (number - 1 + size)
                                            / number
                                            * daily_mean
                                            / (daily_mean + size)
                                        )
                                end
                            ) over (order by number) as log_mass
                        from
                            generate_series(
                                -- Only of days with more than the mean.
                                0,
                                case
                                    when first_sight_count > daily_mean then first_sight_count - 1
                                end
                            ) as fewer(number)
                    ) as masses
            ) as tails
    ),

    -- What the witness told on that date of all properties to which links came.
    together as (
        select
            *,
            count(*) over of_day as property_count,
            count(*) filter (where is_improbable) over of_day as jump_count
        from judged
        window of_day as (partition by witness, day)
    ),

    marks as (
        select property_key, witness, first_day + 28 as day, 1 as step
        from histories
        union all
        select property_key, witness, day, 0
        from firsts
    ),

    -- Properties of which it would have told, had its index grown.
    watched as (
        select
            property_key,
            witness,
            day,
            step,
            sum(step) over (partition by witness order by day) as property_count
        from marks
    )

select
    firsts.property_key,
    firsts.witness,
    firsts.day,
    firsts.first_sight_count,
    together.daily_mean,
    together.is_improbable is true
    and together.jump_count - 1
    >= greatest((together.property_count - 1) / 2.0, 1) as is_index_change,
    together.is_improbable is true and watched.property_count = 1 as is_possible_index_change
from firsts
left join
    together
    on together.property_key = firsts.property_key
    and together.witness = firsts.witness
    and together.day = firsts.day
left join
    watched
    on watched.property_key = firsts.property_key
    and watched.witness = firsts.witness
    and watched.day = firsts.day
    and watched.step = 0
