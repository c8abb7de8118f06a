{{ config(materialized='table') }}

with
    beliefs as (select * from {{ ref('int_link__list_beliefs') }}),

    first_looks as (
        select property_key, witness, min(begin_day) as first_day
        from beliefs
        group by property_key, witness
    ),

    looks as (
        select property_key, max(day) as last_day
        from {{ ref('int_link__judge_looks') }}
        group by property_key
    ),

    finds as (
        select property_key, link_group_key, linking_key, witness, min(begin_day) as find_day
        from beliefs
        group by property_key, link_group_key, linking_key, witness
    ),

    -- From the first word of any witness, to the last night on which any had it.
    links as (
        select
            beliefs.property_key,
            beliefs.link_group_key,
            beliefs.linking_key,
            min(beliefs.begin_day) as born_day,
            least(max(beliefs.end_day), max(looks.last_day) + 1) as gone_day
        from beliefs
        inner join looks on looks.property_key = beliefs.property_key
        group by beliefs.property_key, beliefs.link_group_key, beliefs.linking_key
    ),

    -- What was there when the witness began to look has no delay that could be known.
    watched as (
        select
            links.property_key,
            first_looks.witness,
            date_trunc('month', links.born_day::timestamp)::date as month,
            links.linking_key,
            coalesce(finds.find_day, links.gone_day) - links.born_day as delay_days,
            finds.find_day is not null as is_found
        from links
        inner join
            first_looks
            on first_looks.property_key = links.property_key
            and first_looks.first_day < links.born_day
        left join
            finds
            on finds.property_key = links.property_key
            and finds.link_group_key = links.link_group_key
            and finds.witness = first_looks.witness
    ),

    steps as (
        select
            property_key,
            witness,
            month,
            delay_days,
            count(*) filter (where is_found) as found_count,
            sum(count(*)) over (
                partition by property_key, witness, month order by delay_days desc
            ) as waiting_count
        from watched
        group by property_key, witness, month, delay_days
    ),

    -- Kaplan and Meier: a link that went before the witness saw it was watched so long.
    curve as (
        select
            property_key,
            witness,
            month,
            delay_days,
            exp(
                sum(
                    case
                        when found_count < waiting_count
                        then ln(1 - found_count / waiting_count::double precision)
                        else '-infinity'
                    end
                ) over (partition by property_key, witness, month order by delay_days)
            ) as unseen_share
        from steps
    ),

    quartiles as (
        select
            property_key,
            witness,
            month,
            min(delay_days) filter (where unseen_share <= 0.75 + 1e-9) as lower_quartile,
            min(delay_days) filter (where unseen_share <= 0.5 + 1e-9) as median,
            min(delay_days) filter (where unseen_share <= 0.25 + 1e-9) as upper_quartile
        from curve
        group by property_key, witness, month
    ),

    counts as (
        select
            property_key,
            witness,
            month,
            count(*) as link_count,
            count(*) filter (where is_found) as found_count,
            count(distinct linking_key) as domain_count
        from watched
        group by property_key, witness, month
    )

select counts.*, quartiles.lower_quartile, quartiles.median, quartiles.upper_quartile
from counts
inner join
    quartiles
    on quartiles.property_key = counts.property_key
    and quartiles.witness = counts.witness
    and quartiles.month = counts.month
