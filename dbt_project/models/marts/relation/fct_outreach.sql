{{ config(materialized='table', indexes=[{'columns': ['property_key', 'partner_key']}]) }}

{#- Each state begins with its first evidence; what comes before a later state that is told already changes nothing. -#}
with
    touches as (select * from {{ ref('int_relation__read_touches') }}),

    placements as (select * from {{ ref('fct_placement') }}),

    spoken as (
        select
            property_key,
            partner_key,
            campaign_key,
            min(day) filter (where direction = 'out') as contacted_date,
            min(day) filter (
                where direction = 'in' and outcome is distinct from 'bounced'
            ) as replied_date,
            min(day) filter (where outcome = 'agreed') as agreed_date,
            max(day) filter (where outcome in ('declined', 'unsubscribed')) as declined_date,
            min(day) filter (where outcome = 'bounced') as bounced_date,
            max(day) filter (where direction = 'out') as last_out_date,
            max(day) filter (where direction = 'in') as last_in_date
        from touches
        group by property_key, partner_key, campaign_key
    ),

    promised as (
        select
            property_key,
            partner_key,
            campaign_key,
            min(agreed_date) as agreed_date,
            min(placed_date) as placed_date,
            min(verified_date) as verified_date,
            case when count(verified_date) = count(lost_date) then max(lost_date) end as lost_date
        from placements
        group by property_key, partner_key, campaign_key
    ),

    evidence as (
        select
            keys.property_key,
            keys.partner_key,
            keys.campaign_key,
            told.state,
            told.state_no,
            told.from_date,
            told.evidence,
            coalesce(
                spoken.replied_date < coalesce(spoken.contacted_date, 'infinity'), false
            ) as is_inbound
        from
            (
                select property_key, partner_key, campaign_key
                from spoken
                union
                select property_key, partner_key, campaign_key
                from promised
            ) as keys
        left join
            spoken
            on spoken.property_key = keys.property_key
            and spoken.partner_key = keys.partner_key
            and spoken.campaign_key = keys.campaign_key
        left join
            promised
            on promised.property_key = keys.property_key
            and promised.partner_key = keys.partner_key
            and promised.campaign_key = keys.campaign_key
        inner join
            {{ ref('int_relation__date_properties') }} as dates
            on dates.property_key = keys.property_key
        cross join
            lateral(
                values
                    ('contacted', 1, spoken.contacted_date, 'touch'),
                    ('replied', 2, spoken.replied_date, 'touch'),
                    (
                        'agreed',
                        3,
                        least(spoken.agreed_date, promised.agreed_date),
                        case
                            when spoken.agreed_date < coalesce(promised.agreed_date, 'infinity')
                            then 'outcome'
                            else 'placement'
                        end
                    ),
                    ('placed', 4, promised.placed_date, 'placement'),
                    ('verified', 5, promised.verified_date, 'link'),
                    ('lost', 6, promised.lost_date, 'link'),
                    ('declined', 11, spoken.declined_date, 'outcome'),
                    ('bounced', 12, spoken.bounced_date, 'outcome'),
                    (
                        'silent',
                        10,
                        case
                            when
                                spoken.last_out_date + {{ var('silent_days') }} <= dates.as_of_date
                                and coalesce(spoken.last_in_date, '-infinity')
                                < spoken.last_out_date
                                and coalesce(spoken.declined_date, '-infinity')
                                < spoken.last_out_date
                                and spoken.bounced_date is null
                            then spoken.last_out_date + {{ var('silent_days') }}
                        end,
                        'silence'
                    )
            ) as told(state, state_no, from_date, evidence)
        where told.from_date is not null
    ),

    reached as (
        select
            *,
            coalesce(
                max(state_no) filter (where state_no < 10) over (
                    partition by property_key, partner_key, campaign_key
                    order by from_date, state_no
                    rows between unbounded preceding and 1 preceding
                ),
                0
            ) as reached_no
        from evidence
    ),

    counted as (
        select distinct on (property_key, partner_key, campaign_key, from_date) *
        from reached
        where
            case
                state
                when 'declined'
                then reached_no < 4
                when 'silent'
                then reached_no < 3
                when 'bounced'
                then reached_no < 2
                else state_no > reached_no
            end
        order by property_key, partner_key, campaign_key, from_date, state_no desc
    ),

    spans as (
        select
            *,
            lead(from_date) over (
                partition by property_key, partner_key, campaign_key order by from_date
            ) as to_date
        from counted
    ),

    touch_counts as (
        select
            spans.property_key,
            spans.partner_key,
            spans.campaign_key,
            spans.from_date,
            count(*) as touch_count
        from spans
        inner join
            touches
            on touches.property_key = spans.property_key
            and touches.partner_key = spans.partner_key
            and touches.campaign_key = spans.campaign_key
            and touches.day >= spans.from_date
            and touches.day < coalesce(spans.to_date, 'infinity')
        group by spans.property_key, spans.partner_key, spans.campaign_key, spans.from_date
    )

select
    spans.property_key,
    spans.partner_key,
    spans.campaign_key,
    spans.from_date,
    spans.to_date,
    spans.state,
    spans.evidence,
    coalesce(touch_counts.touch_count, 0)::integer as touch_count,
    spans.is_inbound
from spans
left join
    touch_counts
    on touch_counts.property_key = spans.property_key
    and touch_counts.partner_key = spans.partner_key
    and touch_counts.campaign_key = spans.campaign_key
    and touch_counts.from_date = spans.from_date
