{{ config(materialized='table', tags=['after_estimates']) }}

with
    readings as (
        select vendor, measure, max(day) as day
        from {{ ref('int_domain__place_domains') }}
        group by vendor, measure
    ),

    ranked as (
        select places.*
        from {{ ref('int_domain__place_domains') }} as places
        inner join
            readings
            on readings.vendor = places.vendor
            and readings.measure = places.measure
            and readings.day = places.day
    ),

    scored as (
        select
            scores.*,
            calibrations.percentile,
            calibrations.percentile_low,
            calibrations.percentile_high
        from {{ ref('int_domain__pair_scores') }} as scores
        left join
            {{ ref('stg_ops__authority_calibration') }} as calibrations
            on calibrations.vendor = scores.vendor
            and calibrations.measure = scores.measure
            and calibrations.score = scores.authority
    )

select
    domain_key,
    domain,
    vendor,
    measure,
    day,
    release,
    value,
    rank_position,
    domain_count,
    {{ rank_percentile('rank_position', 'domain_count') }} as percentile,
    null::double precision as percentile_low,
    null::double precision as percentile_high,
    case when domain_count is null then 'none' else 'reference' end as basis
from ranked
union all
select
    domain_key,
    domain,
    vendor,
    measure,
    day,
    null,
    authority,
    null,
    null,
    coalesce({{ rank_percentile('rank_position', 'domain_count') }}, percentile),
    case when rank_position is null then percentile_low end,
    case when rank_position is null then percentile_high end,
    case
        when rank_position is not null
        then 'reference'
        when percentile is not null
        then 'calibrated'
        else 'none'
    end
from scored
