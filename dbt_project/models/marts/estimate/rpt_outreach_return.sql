{{ config(materialized='table') }}

with
    pairs as ({{ cut_pairs() }}),

    by_partner as (
        select
            property_key,
            cut,
            level,
            span,
            partner_key,
            count(*) as tried_count,
            count(*) filter (where reached_no >= 2) as replied_count,
            count(*) filter (where reached_no >= 3) as agreed_count,
            count(*) filter (where reached_no >= 4) as placed_count,
            count(*) filter (where reached_no >= 5) as verified_count,
            count(*) filter (where state = 'lost') as lost_count,
            count(*) filter (where state = 'declined') as declined_count,
            count(*) filter (where state = 'bounced') as bounced_count,
            count(*) filter (where state = 'silent') as silent_count,
            sum(money) as money,
            sum(placed_count) as placement_count,
            sum(verified_count) as verified_link_count,
            sum(live_days_low)::double precision as live_days_low,
            sum(live_days)::double precision as live_days,
            sum(live_days_high)::double precision as live_days_high,
            sum(unqualified_paid_count) as unqualified_paid_count,
            sum(unpriced_count) as unpriced_count,
            bool_or(lacks_rate) as lacks_rate
        from pairs
        group by property_key, cut, level, span, partner_key
    ),

    -- The group without each partner that cost something or has a link.
    left_out as (
        select
            *,
            ln(
                nullif(greatest(sum(money) over of_group - money, 0), 0)
                / nullif(sum(live_days) over of_group - live_days, 0)
            ) as log_cost
        from by_partner
        where money > 0 or live_days > 0
        window of_group as (partition by property_key, cut, level, span)
    ),

    spread as (
        select
            property_key,
            cut,
            level,
            span,
            count(*) as partner_count,
            count(*) filter (where live_days > 0) as live_partner_count,
            case
                when count(log_cost) = count(*) then var_samp(log_cost) * (count(*) - 1)
            end as square_sum
        from left_out
        group by property_key, cut, level, span
    ),

    summed as (
        select
            property_key,
            cut,
            level,
            span,
            sum(tried_count)::integer as tried_count,
            sum(replied_count)::integer as replied_count,
            sum(agreed_count)::integer as agreed_count,
            sum(placed_count)::integer as placed_count,
            sum(verified_count)::integer as verified_count,
            sum(lost_count)::integer as lost_count,
            sum(declined_count)::integer as declined_count,
            sum(bounced_count)::integer as bounced_count,
            sum(silent_count)::integer as silent_count,
            sum(money)::double precision as money,
            sum(placement_count)::integer as placement_count,
            sum(verified_link_count)::integer as verified_link_count,
            sum(live_days_low)::double precision as live_days_low,
            sum(live_days)::double precision as live_days,
            sum(live_days_high)::double precision as live_days_high,
            sum(unqualified_paid_count)::integer as unqualified_paid_count,
            sum(unpriced_count)::integer as unpriced_count,
            bool_or(lacks_rate) as lacks_rate
        from by_partner
        group by property_key, cut, level, span
    ),

    judged as (
        select
            summed.*,
            coalesce(spread.live_partner_count, 0)::integer as live_partner_count,
            case
                when summed.live_days = 0
                then 'no_live_link'
                when spread.live_partner_count < {{ var('least_partners') }}
                then 'too_few_partners'
                when spread.square_sum is null
                then 'one_partner_is_all'
                else 'ok'
            end as status,
            t.quantile * sqrt(
                spread.square_sum * (spread.partner_count - 1) / nullif(spread.partner_count, 0)
            ) as half_width
        from summed
        left join
            spread
            on spread.property_key = summed.property_key
            and spread.cut = summed.cut
            and spread.level = summed.level
            and spread.span = summed.span
        left join
            {{ ref('t_quantiles') }} as t
            on t.degrees_of_freedom = least(spread.partner_count - 1, 1000)
    )

select
    property_key,
    cut,
    {{ key64('level') }} as level_key,
    span,
    level,
    tried_count,
    replied_count,
    agreed_count,
    placed_count,
    verified_count,
    lost_count,
    declined_count,
    bounced_count,
    silent_count,
    {%- for share, hits, tries in [
        ('reply', 'replied_count', 'tried_count'), ('placed', 'placed_count', 'tried_count'),
        ('verified', 'verified_count', 'placed_count'),
    ] %}
        {{ nine_places(hits ~ '::double precision / nullif(' ~ tries ~ ', 0)') }}
        as {{ share }}_share,
        {{ nine_places(wilson(hits, tries, '-')) }} as {{ share }}_share_low,
        {{ nine_places(wilson(hits, tries, '+')) }} as {{ share }}_share_high,
    {%- endfor %}
    money,
    placement_count,
    verified_link_count,
    case
        when status = 'ok' then {{ nine_places('money / nullif(placement_count, 0)') }}
    end as money_per_placed,
    case
        when status = 'ok' then {{ nine_places('money / verified_link_count') }}
    end as money_per_verified,
    live_partner_count,
    live_days_low,
    live_days,
    live_days_high,
    case when status = 'ok' then {{ nine_places('money / live_days') }} end as money_per_live_day,
    case
        when status = 'ok' then {{ nine_places('money / live_days_high * exp(-half_width)') }}
    end as money_per_live_day_low,
    case
        when status = 'ok'
        then {{ nine_places('money / nullif(live_days_low, 0) * exp(half_width)') }}
    end as money_per_live_day_high,
    unqualified_paid_count,
    unpriced_count,
    lacks_rate,
    status
from judged
