{%- set measures = ['coverage', 'precision', 'false_loss'] -%}
{%- set least_domains, z_interval = 10, 1.959963984540054 -%}
{%- set cell = 'property_key, witness, month' -%}
{{ config(materialized='table') }}

with
    finds as (select * from {{ ref('int_link__count_finds') }}),

    -- Links of one domain are seen together, or not at all: the variance is of sums by domain.
    counted as (
        select
            {{ cell }},
            measure,
            count(*) as domain_count,
            sum(asked_count) as asked_count,
            sum(found_count) as found_count,
            sum(found_count ^ 2)::double precision as found_square,
            sum(found_count * asked_count)::double precision as product,
            sum(asked_count ^ 2)::double precision as asked_square
        from finds
        group by {{ cell }}, measure
    ),

    -- All properties together are a sum. A domain that links to two of them is two.
    told_sums as (
        select *
        from counted
        union all
        select
            0,
            counted.witness,
            counted.month,
            counted.measure,
            {%- for column in ['domain_count', 'asked_count', 'found_count', 'found_square', 'product', 'asked_square'] %}
                sum(counted.{{ column }}){{ ',' if not loop.last }}
            {%- endfor %}
        from counted
        inner join
            {{ ref('stg_ops__property') }} as properties
            on properties.property_key = counted.property_key
        where properties.is_pooled
        group by counted.witness, counted.month, counted.measure
    ),

    sums as (
        select
            *,
            found_count / asked_count::double precision as share,
            asked_count ^ 2 / asked_square as alike_count,
            greatest(
                found_square
                - 2 * found_count * product / asked_count
                + found_count ^ 2 * asked_square / asked_count ^ 2,
                0
            ) as square_sum
        from told_sums
        where domain_count >= {{ least_domains }}
    ),

    -- As many links, each by itself, would say it as surely; where all were found, or none, as many
    -- as there are domains in effect.
    sizes as (
        select
            *,
            {{ student_t(z_interval, 'greatest(alike_count - 1, 1)') }} as t,
            case
                when share in (0, 1)
                then alike_count
                else
                    least(
                        asked_count,
                        found_count
                        * (asked_count - found_count)
                        * (1 - 1 / domain_count)
                        / nullif(square_sum, 0)
                    )
            end as size
        from sums
    ),

    -- Wilson's interval: one that is symmetric held .84 of the time where shares are near 1.
    rates as (
        select
            {{ cell }},
            measure,
            share,
            {%- for bound, sign in {'low': '-', 'high': '+'}.items() %}
                (
                    share + t ^ 2 / (2 * size)
                    {{ sign }} t * sqrt(share * (1 - share) / size + t ^ 2 / (4 * size ^ 2))
                )
                / (1 + t ^ 2 / size) as interval_{{ bound }}
                {{- ',' if not loop.last }}
            {%- endfor %}
        from sizes
    ),

    delays as (select * from {{ ref('int_link__measure_delays') }}),

    -- What each source of links has cost; what a person exports costs the warehouse nothing.
    spent as (
        select
            spend.property_key,
            sources.witness,
            date_trunc('month', spend.call_date::timestamp)::date as month,
            nullif(sum(spend.money), 0) as money
        from {{ ref('rpt_spend') }} as spend
        inner join
            (
                values
                    {%- for feed in feeds_of(['links'], is_export=false) %}
                        ('{{ feed["source"] }}', '{{ feed["origin"] }}'){{ ',' if not loop.last }}
                    {%- endfor %}
            ) as sources(source, witness)
            on sources.source = spend.source
        group by
            spend.property_key, sources.witness, date_trunc('month', spend.call_date::timestamp)
    ),

    bought as (
        select *
        from spent
        union all
        select 0, spent.witness, spent.month, sum(spent.money)
        from spent
        inner join
            {{ ref('stg_ops__property') }} as properties
            on properties.property_key = spent.property_key
        where properties.is_pooled
        group by spent.witness, spent.month
    ),

    cells as (
        select {{ cell }}
        from told_sums
        union
        select {{ cell }}
        from delays
    ),

    told as (
        select
            {{ cell }},
            {%- for measure in measures %}
                {%- for column in ['share', 'interval_low', 'interval_high', 'asked_count', 'domain_count'] %}
                    max({{ column }}) filter (
                        where measure = '{{ measure }}'
                    ) as {{ measure }}_{{ column }}
                    {{- ',' if not loop.last }}
                {%- endfor %}
                {{- ',' if not loop.last }}
            {%- endfor %}
        from told_sums
        left join rates using ({{ cell }}, measure)
        group by {{ cell }}
    )

select
    cells.property_key,
    cells.witness,
    cells.month,
    {%- for measure in measures %}
        told.{{ measure }}_share::double precision as {{ measure }}_share,
        told.{{ measure }}_interval_low::double precision as {{ measure }}_interval_low,
        told.{{ measure }}_interval_high::double precision as {{ measure }}_interval_high,
        coalesce(told.{{ measure }}_asked_count, 0)::bigint as {{ measure }}_link_count,
        coalesce(told.{{ measure }}_domain_count, 0)::bigint as {{ measure }}_domain_count,
    {%- endfor %}
    delays.lower_quartile as delay_lower_quartile_days,
    delays.median as delay_median_days,
    delays.upper_quartile as delay_upper_quartile_days,
    {%- for quartile in ['lower_quartile', 'median', 'upper_quartile'] %}
        delays.{{ quartile }}_low as delay_{{ quartile }}_low,
        delays.{{ quartile }}_high as delay_{{ quartile }}_high,
    {%- endfor %}
    coalesce(delays.link_count, 0) as delay_link_count,
    coalesce(delays.found_count, 0) as delay_found_count,
    coalesce(delays.domain_count, 0) as delay_domain_count,
    coalesce(delays.first_count, 0) as first_told_link_count,
    bought.money::numeric(18, 6) as money,
    (bought.money / nullif(delays.first_count, 0))::numeric(18, 6) as money_per_first_told_link
from cells
left join
    told
    on told.property_key = cells.property_key
    and told.witness = cells.witness
    and told.month = cells.month
left join
    delays
    on delays.property_key = cells.property_key
    and delays.witness = cells.witness
    and delays.month = cells.month
left join
    bought
    on bought.property_key = cells.property_key
    and bought.witness = cells.witness
    and bought.month = cells.month
