with
    authority as (select * from {{ ref('int_domain__read_authority') }}),

    -- Two properties may read the same domain on the same night; the later answer stands.
    readings as (
        select distinct on (vendor, domain_key, day) vendor, domain_key, domain, day, authority
        from authority
        order by vendor, domain_key, day, observed_at desc, authority desc
    ),

    compared as (
        select
            *,
            lag(authority) over (partition by vendor, domain_key order by day) as previous_authority
        from readings
    ),

    numbered as (
        select
            *,
            count(*) filter (where previous_authority is distinct from authority) over (
                partition by vendor, domain_key order by day
            ) as version_no
        from compared
    ),

    versions as (
        select
            vendor,
            domain_key,
            domain,
            version_no,
            authority,
            min(day) as valid_from_date,
            max(day) as last_read_date
        from numbered
        group by vendor, domain_key, domain, version_no, authority
    )

select
    domain_key,
    domain,
    vendor,
    valid_from_date,
    lead(valid_from_date) over (
        partition by vendor, domain_key order by version_no
    ) as valid_to_date,
    authority,
    last_read_date
from versions
