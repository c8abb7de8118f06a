{%- set cell = 'property_key, witness, month' -%}
{%- set quartiles = {'lower_quartile': 0.75, 'median': 0.5, 'upper_quartile': 0.25} -%}
{%- set least_domains, z_interval = 10, 1.959963984540054 -%}
{{ config(materialized='table') }}

with
    watched as (select * from {{ ref('int_link__watch_delays') }}),

    steps as (
        select
            {{ cell }},
            delay_days,
            count(*) filter (where is_found) as found_count,
            sum(count(*)) over (partition by {{ cell }} order by delay_days desc) as waiting_count
        from watched
        group by {{ cell }}, delay_days
    ),

    -- Kaplan and Meier: a link that went before the witness saw it was watched so long.
    curve as (
        select
            {{ cell }},
            delay_days,
            waiting_count,
            sum(found_count / waiting_count::double precision ^ 2) over here as hazard_square,
            exp(
                sum(
                    case
                        when found_count < waiting_count
                        then ln(1 - found_count / waiting_count::double precision)
                        else '-infinity'
                    end
                ) over here
            ) as unseen_share
        from steps
        window here as (partition by {{ cell }} order by delay_days)
    ),

    -- The first day by which so many are seen.
    points as (
        select {{ cell }}, quartiles.name, quartiles.unseen, min(curve.delay_days) as delay_days
        from curve
        cross join
            (
                values
                    {%- for name, unseen in quartiles.items() %}
                        ('{{ name }}', {{ unseen }}::double precision){{ ',' if not loop.last }}
                    {%- endfor %}
            ) as quartiles(name, unseen)
        where curve.unseen_share <= quartiles.unseen + 1e-9
        group by {{ cell }}, quartiles.name, quartiles.unseen
    ),

    -- By how much links of one domain move the curve there: their finds, less what was to be
    -- expected of them while they were waited for.
    moved as (
        select
            {{ cell }},
            points.name,
            points.unseen,
            there.unseen_share,
            count(*) as link_count,
            sum(
                case
                    when watched.is_found and watched.delay_days <= points.delay_days
                    then 1 / own.waiting_count::double precision
                    else 0
                end
                - least(own.hazard_square, there.hazard_square)
            ) as influence
        from points
        inner join curve as there using ({{ cell }}, delay_days)
        inner join watched using ({{ cell }})
        inner join curve as own using ({{ cell }})
        where own.delay_days = watched.delay_days
        group by
            {{ cell }},
            points.name,
            points.unseen,
            there.unseen_share,
            watched.cluster_property,
            watched.linking_key
    ),

    widths as (
        select
            {{ cell }},
            name,
            unseen,
            -- With as many degrees of freedom as there are domains in effect, of unequal ones
            -- fewer.
            {{ student_t(
                z_interval, 'greatest(sum(link_count) ^ 2 / sum(link_count ^ 2) - 1, 1)'
            ) }}
            * unseen_share
            * sqrt(count(*) / (count(*) - 1)::double precision * sum(influence ^ 2)) as half_width
        from moved
        group by {{ cell }}, name, unseen, unseen_share
        having count(*) >= {{ least_domains }}
    ),

    -- Where the curve passes what it may be there (Woodruff).
    bounds as (
        select
            {{ cell }},
            widths.name,
            min(curve.delay_days) filter (
                where curve.unseen_share <= widths.unseen + widths.half_width + 1e-9
            ) as low_days,
            min(curve.delay_days) filter (
                where curve.unseen_share <= widths.unseen - widths.half_width + 1e-9
            ) as high_days
        from widths
        inner join curve using ({{ cell }})
        group by {{ cell }}, widths.name
    ),

    counts as (
        select
            {{ cell }},
            count(*) as link_count,
            count(*) filter (where is_found) as found_count,
            count(*) filter (where is_found and delay_days = 0) as first_count,
            count(distinct row(cluster_property, linking_key)) as domain_count
        from watched
        group by {{ cell }}
    )

select
    {{ cell }},
    counts.link_count,
    counts.found_count,
    counts.first_count,
    counts.domain_count,
    {%- for name in quartiles %}
        max(points.delay_days) filter (where points.name = '{{ name }}') as {{ name }},
        max(bounds.low_days) filter (where points.name = '{{ name }}') as {{ name }}_low,
        max(bounds.high_days) filter (where points.name = '{{ name }}') as {{ name }}_high
        {{- ',' if not loop.last }}
    {%- endfor %}
from counts
left join points using ({{ cell }})
left join bounds using ({{ cell }}, name)
group by {{ cell }}, counts.link_count, counts.found_count, counts.first_count, counts.domain_count
