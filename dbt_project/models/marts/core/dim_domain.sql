with
    authority as (select * from {{ ref('int_domain__read_authority') }}),

    -- Two properties may read the same domain on the same night; the later answer stands.
    scores as (
        select distinct on (vendor, domain_key, day) vendor, domain_key, domain, day, authority
        from authority
        order by vendor, domain_key, day, observed_at desc, authority desc
    ),

    readings as (
        select
            scores.vendor,
            coalesce(scales.measure, 'authority') as measure,
            scores.domain_key,
            scores.domain,
            scores.day,
            scores.authority::double precision as value,
            scores.authority,
            scales.scale_max
        from scores
        left join {{ ref('authority_scales') }} as scales on scales.vendor = scores.vendor
        union all
        -- By their places: what is measured itself does not compare across releases.
        select vendor, measure, domain_key, domain, day, rank_position, null, null
        from {{ ref('int_domain__place_domains') }}
    ),

    compared as (
        select
            *,
            lag(value) over (
                partition by vendor, measure, domain_key order by day
            ) as previous_value
        from readings
    ),

    numbered as (
        select
            *,
            count(*) filter (where previous_value is distinct from value) over (
                partition by vendor, measure, domain_key order by day
            ) as version_no
        from compared
    ),

    versions as (
        select
            vendor,
            measure,
            domain_key,
            domain,
            version_no,
            value,
            authority,
            scale_max,
            min(day) as valid_from_date,
            max(day) as last_read_date
        from numbered
        group by vendor, measure, domain_key, domain, version_no, value, authority, scale_max
    )

select
    domain_key,
    domain,
    vendor,
    measure,
    valid_from_date,
    lead(valid_from_date) over (
        partition by vendor, measure, domain_key order by version_no
    ) as valid_to_date,
    value,
    case when scale_max is not null then 0 end as scale_min,
    scale_max,
    authority,
    last_read_date
from versions
