{#- How many weeks before a week its usual range rests on, at most and at least; and how many spreads wide it is. -#}
{%- set most, least, width = 12, 8, 4 -%}

with
    told as (select * from {{ ref('int_week__measure_weeks') }}),

    earlier as (
        select
            told.property_key, told.measure, told.device, told.week_no, told.is_count, before.value
        from told
        inner join
            told as before
            on before.property_key = told.property_key
            and before.measure = told.measure
            and before.device = told.device
            and before.week_no between told.week_no + 1 and told.week_no + {{ most }}
        where before.value is not null
    ),

    middles as (
        select
            property_key,
            measure,
            device,
            week_no,
            is_count,
            count(*)::integer as usual_week_count,
            percentile_cont(0.5) within group (order by value) as usual_value
        from earlier
        group by property_key, measure, device, week_no, is_count
    ),

    distances as (
        select
            earlier.property_key,
            earlier.measure,
            earlier.device,
            earlier.week_no,
            percentile_cont(0.5) within group (
                order by abs(earlier.value - middles.usual_value)
            ) as middle_distance
        from earlier
        inner join
            middles
            on middles.property_key = earlier.property_key
            and middles.measure = earlier.measure
            and middles.device = earlier.device
            and middles.week_no = earlier.week_no
        group by earlier.property_key, earlier.measure, earlier.device, earlier.week_no
    ),

    -- The middle distance times 1.4826 is the standard deviation of what is normal; one freak week
    -- moves neither. What is counted scatters by its root at least, and a hundredth of a share is
    -- nothing.
    ranges as (
        select
            middles.*,
            {{ width }} * greatest(
                1.4826 * distances.middle_distance,
                case
                    when middles.is_count
                    then sqrt(greatest(middles.usual_value, 0.25))
                    else 0.01 * middles.usual_value
                end
            ) as half_width
        from middles
        inner join
            distances
            on distances.property_key = middles.property_key
            and distances.measure = middles.measure
            and distances.device = middles.device
            and distances.week_no = middles.week_no
        where middles.usual_week_count >= {{ least }}
    ),

    compared as (
        select
            told.*,
            coalesce(middles.usual_week_count, 0) as usual_week_count,
            ranges.usual_value,
            -- Where nothing is known, greatest alone would say 0.
            case
                when ranges.half_width is not null
                then greatest(ranges.usual_value - ranges.half_width, 0)
            end as usual_low,
            ranges.usual_value + ranges.half_width as usual_high
        from told
        left join
            middles
            on middles.property_key = told.property_key
            and middles.measure = told.measure
            and middles.device = told.device
            and middles.week_no = told.week_no
        left join
            ranges
            on ranges.property_key = told.property_key
            and ranges.measure = told.measure
            and ranges.device = told.device
            and ranges.week_no = told.week_no
    )

select
    property_key,
    measure,
    device,
    week_no,
    first_day,
    last_day,
    value,
    usual_value,
    usual_low,
    usual_high,
    usual_week_count,
    case
        when value is null
        then 'not_tested'
        when usual_value is null
        then 'no_usual_range'
        when value < usual_low
        then 'below'
        when value > usual_high
        then 'above'
        else 'usual'
    end as state
from compared
