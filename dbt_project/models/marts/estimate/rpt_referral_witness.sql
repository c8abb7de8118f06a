{%- set cell = 'property_key, witness, month, class, host_key' -%}
{#- Hosts with a ratio below which nobody says what is usual, and how many deviations from the median are. -#}
{%- set least_hosts, most_deviations = 8, 3 * 1.4826 -%}
with
    visits as (select * from {{ ref('int_referral__sum_hosts') }}),

    whole_days as (
        select property_key, witness, day
        from visits
        except
        select property_key, witness, day
        from {{ ref('int_referral__list_odd_days') }}
    ),

    shared_days as (
        select other.property_key, other.witness, other.day
        from whole_days as other
        inner join
            whole_days as logs on logs.property_key = other.property_key and logs.day = other.day
        where other.witness <> 'logs' and logs.witness = 'logs'
    ),

    months as (
        select property_key, witness, date_trunc('month', day)::date as month, count(*) as day_count
        from shared_days
        group by property_key, witness, date_trunc('month', day)::date
    ),

    weeks as (
        select
            shared_days.property_key,
            shared_days.witness,
            visits.month,
            visits.class,
            visits.host_key,
            date_trunc('week', visits.day) as week,
            min(visits.host) as host,
            coalesce(
                sum(visits.visit_count) filter (where visits.witness <> 'logs'), 0
            )::double precision as own_count,
            coalesce(
                sum(visits.visit_count) filter (where visits.witness = 'logs'), 0
            )::double precision as log_count
        from shared_days
        inner join
            visits
            on visits.property_key = shared_days.property_key
            and visits.day = shared_days.day
            and visits.witness in (shared_days.witness, 'logs')
        group by
            shared_days.property_key,
            shared_days.witness,
            visits.month,
            visits.class,
            visits.host_key,
            date_trunc('week', visits.day)
    ),

    sums as (
        select
            {{ cell }},
            min(host) as host,
            sum(own_count) as own_count,
            sum(log_count) as log_count,
            greatest(count(*) - 1, 1) as freedom
        from weeks
        group by {{ cell }}
    ),

    -- Both count the same people: weeks may differ as they like, and only the ratio should not.
    compared as (
        select
            {{ cell }},
            min(sums.host) as host,
            min(sums.own_count) as own_count,
            min(sums.log_count) as log_count,
            min(sums.freedom) as freedom,
            greatest(
                1,
                coalesce(
                    sum(
                        (weeks.own_count * sums.log_count - weeks.log_count * sums.own_count) ^ 2
                        / ((weeks.own_count + weeks.log_count) * sums.own_count * sums.log_count)
                    ) filter (where sums.own_count > 0 and sums.log_count > 0),
                    0
                )
                / min(sums.freedom)
            ) as dispersion
        from sums
        inner join weeks using ({{ cell }})
        group by {{ cell }}
    ),

    told as (
        select {{ cell }}, min(host) as host, sum(visit_count)::bigint as visit_count
        from visits
        where witness <> 'logs'
        group by {{ cell }}
    ),

    measured as (
        select
            {{ cell }},
            coalesce(told.host, compared.host) as host,
            coalesce(told.visit_count, 0) as visit_count,
            coalesce(months.day_count, 0)::integer as day_count,
            coalesce(compared.own_count, 0)::bigint as shared_count,
            coalesce(compared.log_count, 0)::bigint as log_count,
            compared.dispersion,
            case
                when months.day_count is null
                then 'no_shared_days'
                when months.day_count < 14
                then 'short_history'
                when greatest(coalesce(compared.own_count, 0), coalesce(compared.log_count, 0)) < 10
                then 'too_few_visits'
            end as reason,
            ln((compared.own_count + 0.5) / (compared.log_count + 0.5)) as log_ratio,
            t.quantile * sqrt(
                compared.dispersion
                * (1 / (compared.own_count + 0.5) + 1 / (compared.log_count + 0.5))
            ) as half_width
        from told
        full join compared using ({{ cell }})
        left join months using (property_key, witness, month)
        left join {{ ref('t_quantiles') }} as t on t.degrees_of_freedom = compared.freedom
    ),

    medians as (
        select
            property_key,
            witness,
            month,
            count(*) as host_count,
            percentile_cont(0.5) within group (order by log_ratio) as median
        from measured
        where reason is null and host is not null
        group by property_key, witness, month
    ),

    spreads as (
        select
            property_key,
            witness,
            month,
            min(medians.median) as median,
            {{ most_deviations }} * percentile_cont(0.5) within group (
                order by abs(measured.log_ratio - medians.median)
            ) as deviation
        from measured
        inner join medians using (property_key, witness, month)
        where
            measured.reason is null
            and measured.host is not null
            and medians.host_count >= {{ least_hosts }}
        group by property_key, witness, month
    )

select
    property_key,
    witness,
    month,
    class,
    host_key,
    measured.host,
    measured.visit_count,
    measured.day_count,
    measured.shared_count,
    measured.log_count,
    measured.dispersion,
    case when reason is null then exp(log_ratio) end as ratio,
    case when reason is null then exp(log_ratio - half_width) end as ratio_low,
    case when reason is null then exp(log_ratio + half_width) end as ratio_high,
    exp(spreads.median - spreads.deviation) as usual_low,
    exp(spreads.median + spreads.deviation) as usual_high,
    case
        when measured.reason is null and measured.host is not null
        then abs(log_ratio - spreads.median) > spreads.deviation + half_width
    end as is_unusual,
    measured.reason
from measured
left join spreads using (property_key, witness, month)
