{%- set cell = 'property_key, dimension, class' -%}
{%- set ages = 'array' ~ var('survival_ages') -%}
{%- set least_links, least_domains, least_effective = 20, 10, 8 -%}
{%- set tail, z_interval = 0.025, 1.959963984540054 -%}
{%- set totals = ['links', 'expected', 'moved'] -%}
{%- set squares = [
    ('moved', 'moved'), ('links', 'moved'), ('links', 'links'), ('links', 'expected'), ('expected', 'expected'),
] -%}
{{ config(materialized='table') }}

with
    lives as (select * from {{ ref('int_portfolio__list_lives') }}),

    curve as (select * from {{ ref('int_portfolio__trace_survival') }}),

    -- A link moves the curve by what it lost itself, less what it was expected to lose.
    shares as (
        select
            lives.*,
            lives.entry_days as from_days,
            1 as entered,
            0::double precision as lost,
            - curve.hazard_square as expected
        from lives
        inner join
            curve
            on curve.property_key = lives.property_key
            and curve.dimension = lives.dimension
            and curve.class = lives.class
            and curve.age_days = lives.entry_days
        union all
        select
            lives.*,
            lives.exit_days - 1,
            -1,
            case when lives.is_lost then 1 / curve.at_risk else 0 end,
            curve.hazard_square
        from lives
        inner join
            curve
            on curve.property_key = lives.property_key
            and curve.dimension = lives.dimension
            and curve.class = lives.class
            and curve.age_days = lives.exit_days
    ),

    -- The first age told of that is greater. Beyond the last there is none: no row reads that.
    placed as (
        select *, ({{ ages }})[width_bucket(from_days, {{ ages }}) + 1] as age_days from shares
    ),

    domain_shares as (
        select
            {{ cell }},
            linking_key,
            age_days,
            sum(entered)::double precision as links,
            sum(expected) as expected,
            sum(lost - expected) as moved
        from placed
        group by {{ cell }}, linking_key, age_days
    ),

    domains as (
        select
            {{ cell }},
            age_days,
            links,
            expected,
            moved,
            {%- for name in totals %}
                sum({{ name }}) over to_here as {{ name }}_total,
            {%- endfor %}
            row_number() over to_here = 1 as is_new
        from domain_shares
        window to_here as (partition by {{ cell }}, linking_key order by age_days)
    ),

    -- Links of one domain go together: squares are of the sums of domains. What a domain that is
    -- still watched was expected to lose since grows for all alike, so that sums of products do.
    products as (
        select
            {{ cell }},
            age_days,
            sum(links) as links,
            sum(expected) as expected,
            sum(is_new::integer) as domains,
            sum((links_total > 0)::integer - (links_total > links)::integer) as domains_at_risk,
            {%- for one, other in squares %}
                sum(
                    {{ one }}_total * {{ other }}_total
                    - ({{ one }}_total - {{ one }}) * ({{ other }}_total - {{ other }})
                ) as {{ one }}_{{ other }}{{ ',' if not loop.last }}
            {%- endfor %}
        from domains
        group by {{ cell }}, age_days
    ),

    sums as (
        select
            curve.*,
            {%- for name in ['links', 'expected', 'domains', 'domains_at_risk'] %}
                sum(coalesce(products.{{ name }}, 0)) over to_here as {{ name }},
            {%- endfor %}
            {%- for one, other in squares %}
                sum(coalesce(products.{{ one }}_{{ other }}, 0)) over to_here
                as {{ one }}_{{ other }}{{ ',' if not loop.last }}
            {%- endfor %}
        from curve
        left join
            products
            on products.property_key = curve.property_key
            and products.dimension = curve.dimension
            and products.class = curve.class
            and products.age_days = curve.age_days
        where curve.age_days = any({{ ages }})
        window
            to_here as (
                partition by curve.property_key, curve.dimension, curve.class
                order by curve.age_days
            )
    ),

    errors as (
        select
            *,
            sqrt(
                domains
                / nullif(domains - 1, 0)::double precision
                * greatest(
                    moved_moved
                    - 2 * hazard_square * links_moved
                    + hazard_square * hazard_square * links_links,
                    0
                )
            ) as standard_error,
            -- Of equal domains this is their number. Where nothing was lost, links at risk weigh
            -- them.
            coalesce(
                (hazard_square * links + expected) ^ 2 / nullif(
                    expected_expected
                    + 2 * hazard_square * links_expected
                    + hazard_square * hazard_square * links_links,
                    0
                ),
                links ^ 2 / nullif(links_links, 0)
            ) as effective_domains
        from sums
    ),

    -- On the scale of ln(-ln S), whose ends are within 0 and 1. Half of the domains are its degrees
    -- of freedom: with all of them it held .84 to .92 of the time where domains are few and
    -- unequal.
    judged as (
        select
            *,
            standard_error
            * {{ student_t(z_interval, '(effective_domains / 2 - 1)') }}
            / nullif(- log_survival, 0) as half_width,
            links >= {{ least_links }}
            and domains_at_risk >= {{ least_domains }}
            and effective_domains >= {{ least_effective }}
            and not is_over as is_enough
        from errors
    )

select
    {{ cell }},
    age_days,
    links::bigint as at_risk_count,
    domains_at_risk::bigint as domain_count,
    effective_domains as effective_domain_count,
    lost_count::bigint as lost_count,
    case when is_enough then exp(log_survival) end as survival,
    -- Of none lost among n domains: a binomial share's exact interval, from tail ^ (1 / n) to 1.
    case
        when is_enough and log_survival = 0
        then {{ tail }}::double precision ^ (1 / effective_domains)
        when is_enough
        then exp(log_survival * exp(half_width))
    end as interval_low,
    case
        when is_enough then exp(log_survival * exp(- coalesce(half_width, 0)))
    end as interval_high,
    case when is_enough then 'estimate' else 'not_enough_data' end as status
from judged
