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

    sums as (select *, found_count / asked_count as share from told_sums),

    errors as (
        select
            *,
            {{ student_t(z_interval, '(domain_count - 1)') }} * sqrt(
                domain_count
                / nullif(domain_count - 1, 0)::double precision
                * greatest(found_square - 2 * share * product + share * share * asked_square, 0)
            )
            / asked_count as half_width
        from sums
    ),

    rates as (
        select
            {{ cell }},
            measure,
            domain_count,
            asked_count,
            case when domain_count >= {{ least_domains }} then share end as share,
            case
                when domain_count >= {{ least_domains }} then greatest(share - half_width, 0)
            end as interval_low,
            case
                when domain_count >= {{ least_domains }} then least(share + half_width, 1)
            end as interval_high
        from errors
    ),

    delays as (select * from {{ ref('int_link__measure_delays') }}),

    cells as (
        select {{ cell }}
        from rates
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
        from rates
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
    coalesce(delays.domain_count, 0) as delay_domain_count
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
