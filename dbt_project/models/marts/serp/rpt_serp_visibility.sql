with
    checks as (
        select
            checked.*,
            checked.state in ('found', 'not_found') as is_valid,
            -- As a decimal number: a sum of binary ones would depend on the order of the rows.
            coalesce(curve.click_share::numeric, 0) as click_share
        from {{ ref('fct_serp_position') }} as checked
        left join {{ ref('dim_click_curve') }} as curve on curve.position = checked.position
    )

select
    property_key,
    day,
    engine,
    locale,
    device,
    count(*)::integer as check_count,
    count(*) filter (where is_valid)::integer as valid_check_count,
    count(*) filter (where state = 'found')::integer as found_count,
    count(*) filter (where position <= 3)::integer as top3_count,
    count(*) filter (where position <= 10)::integer as top10_count,
    coalesce(sum(position), 0)::bigint as position_sum,
    coalesce(sum(click_share) filter (where is_valid), 0)::double precision as click_share_sum
from checks
group by property_key, day, engine, locale, device
