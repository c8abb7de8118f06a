{%- set night = 'property_key, vendor, day' -%}
{#- Of 99.9 % to both sides. Half a place is what makes the normal deviate exact enough for every number from 20 on. -#}
{%- set z_interval = 3.290526731491926 -%}
{%- set least_domains, earlier_nights = 20, 3 -%}
{{ config(materialized='table') }}

with
    readings as (
        select
            readings.property_key,
            readings.vendor,
            scales.measure,
            scales.tolerance,
            readings.day,
            readings.domain_key,
            readings.authority,
            last_value(readings.authority) over earlier as previous_authority,
            last_value(readings.day) over earlier as previous_day
        from {{ ref('int_domain__read_authority') }} as readings
        inner join {{ ref('authority_scales') }} as scales on scales.vendor = readings.vendor
        window
            earlier as (
                partition by readings.property_key, readings.vendor, readings.domain_key
                order by
                    readings.day
                    range between interval '100 days' preceding and interval '5 days' preceding
            )
    ),

    -- A scale may move at its top alone, where the largest domains are.
    changes as (
        select
            *,
            authority - previous_authority as change,
            ntile(5) over (
                partition by {{ night }} order by previous_authority, domain_key
            ) as fifth
        from readings
        where previous_day is not null
    ),

    placed as (
        select
            *,
            row_number() over (partition by {{ night }}, fifth order by change) as place,
            count(*) over (partition by {{ night }}, fifth) as domains
        from changes
    ),

    bounded as (
        select
            *, greatest(floor((domains + 1 - {{ z_interval }} * sqrt(domains)) / 2), 1) as low_place
        from placed
    ),

    fifths as (
        select
            {{ night }},
            fifth,
            count(*) as domain_count,
            percentile_cont(0.5) within group (order by change) as median_change,
            max(change) filter (where place = low_place) as interval_low,
            max(change) filter (where place = domains + 1 - low_place) as interval_high
        from bounded
        group by {{ night }}, fifth
    ),

    worst as (
        select distinct on ({{ night }}) *
        from fifths
        order by {{ night }}, greatest(interval_low, - interval_high) desc, fifth
    ),

    -- How far scores scatter about what their fifth did: a web that drifts is not drawn anew.
    nights as (
        select
            changes.property_key,
            changes.vendor,
            changes.day,
            changes.measure,
            changes.tolerance,
            mode() within group (order by changes.previous_day) as previous_day,
            count(*) as domain_count,
            percentile_cont(0.75) within group (
                order by abs(changes.change - fifths.median_change)
            ) as scatter,
            count(*) >= 5 * {{ least_domains }} as is_enough
        from changes
        inner join
            fifths
            on fifths.property_key = changes.property_key
            and fifths.vendor = changes.vendor
            and fifths.day = changes.day
            and fifths.fifth = changes.fifth
        group by
            changes.property_key, changes.vendor, changes.day, changes.measure, changes.tolerance
    ),

    compared as (
        select *, max(scatter) over earlier as usual_scatter, count(*) over earlier as earlier_count
        from nights
        window
            earlier as (
                partition by property_key, vendor, is_enough
                order by day rows between {{ earlier_nights }} preceding and 1 preceding
            )
    )

select
    compared.property_key,
    compared.vendor,
    compared.measure,
    compared.day,
    compared.previous_day,
    compared.domain_count,
    worst.fifth as worst_fifth,
    worst.median_change,
    case when compared.is_enough then worst.interval_low end::double precision as interval_low,
    case when compared.is_enough then worst.interval_high end::double precision as interval_high,
    compared.scatter,
    case
        when compared.is_enough and compared.earlier_count = {{ earlier_nights }}
        then compared.usual_scatter
    end as usual_scatter,
    compared.tolerance,
    case
        when not compared.is_enough
        then 'too_few'
        when worst.interval_low > compared.tolerance or worst.interval_high < - compared.tolerance
        then 'shifted'
        -- On a scale of whole numbers half of all may stand still three times, and then not.
        when
            compared.earlier_count = {{ earlier_nights }}
            and compared.scatter > greatest(2 * compared.usual_scatter, compared.tolerance / 2)
        then 're_ranked'
        else 'none'
    end as verdict
from compared
inner join
    worst
    on worst.property_key = compared.property_key
    and worst.vendor = compared.vendor
    and worst.day = compared.day
