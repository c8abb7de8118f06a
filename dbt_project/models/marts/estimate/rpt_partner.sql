{%- set figures = ['days_per_1000', 'days_per_1000_low', 'days_per_1000_high', 'days_per_1000_careful'] -%}
{{ config(materialized='table', tags=['after_estimates']) }}

with
    partners as (
        select
            sums.*,
            estimates.placed_share,
            estimates.placed_share_low,
            estimates.placed_share_high,
            estimates.yearly_loss_share,
            estimates.yearly_loss_share_low,
            estimates.yearly_loss_share_high,
            {%- for figure in figures %} estimates.{{ figure }}, {%- endfor %}
            estimates.own_weight,
            estimates.faster_loss_chance,
            estimates.latest_reply_days,
            estimates.earlier_reply_days,
            estimates.slower_p_value,
            count(*) filter (where sums.verified_try_count > 0) over (
                partition by sums.property_key
            ) as live_partner_count
        from {{ ref('int_relation__sum_partners') }} as sums
        inner join
            {{ ref('stg_ops__partner_estimate') }} as estimates
            on estimates.property_key = sums.property_key
            and estimates.partner_key = sums.partner_key
    ),

    judged as (
        select
            *,
            case
                when is_suppressed
                then 'suppressed'
                when live_partner_count < {{ var('least_partners') }}
                then 'too_few_partners'
                when days_per_1000 is null
                then 'no_cost'
                else 'ok'
            end as status,
            array_remove(
                array[
                    case when faster_loss_chance > 0.9 then 'loses_faster' end,
                    case when recent_loss_count >= 2 then 'lost_several' end,
                    case when slower_p_value < 0.05 then 'replies_slower' end,
                    case when turned_nofollow_count > 0 then 'turned_nofollow' end,
                    case when fallen_site_count > 0 then 'site_fell' end,
                    case when ending_count > 0 then 'ends_soon' end
                ],
                null
            ) as risks
        from partners
    )

select
    property_key,
    partner_key,
    partner_name,
    kind,
    case
        when status = 'ok'
        then
            row_number() over (
                partition by property_key, status order by days_per_1000_careful desc, partner_key
            )
    end::integer as place,
    {%- for figure in figures %}
        case when status = 'ok' then {{ nine_places(figure) }} end as {{ figure }},
    {%- endfor %}
    {%- for share in ['placed_share', 'yearly_loss_share'] %}
        {%- for end in ['', '_low', '_high'] %}
            case
                when status <> 'too_few_partners' then {{ nine_places(share ~ end) }}
            end as {{ share }}{{ end }},
        {%- endfor %}
    {%- endfor %}
    {{ nine_places('own_weight') }} as own_weight,
    own_weight < 0.5 as is_mostly_average,
    try_count,
    replied_try_count,
    verified_try_count,
    standing_count,
    lost_link_count,
    link_days,
    work_per_try,
    price_dollars,
    status,
    risks,
    {{ nine_places('faster_loss_chance') }} as faster_loss_chance,
    recent_loss_count,
    latest_reply_days,
    earlier_reply_days,
    {{ nine_places('slower_p_value') }} as slower_p_value,
    turned_nofollow_count,
    fallen_site_count,
    ending_count,
    unqualified_paid_count
from judged
