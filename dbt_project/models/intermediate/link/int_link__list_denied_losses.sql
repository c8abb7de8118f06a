with
    spans as (select * from {{ ref('int_link__find_spans') }}),

    denied as ({{ denied_losses('spans') }})

select
    spans.property_key,
    spans.witness,
    spans.link_key,
    spans.span_no,
    least(spans.claimed_lost_date, spans.first_absent_day) as lost_date,
    case
        when spans.claimed_lost_date is null then spans.second_absent_day else spans.claim_day
    end as observed_date,
    case
        when
            coalesce(
                spans.claimed_lost_date <= spans.first_absent_day, spans.first_absent_day is null
            )
        then 'vendor_claim'
        else 'absence'
    end as loss_basis,
    coalesce(spans.last_visit_date, spans.last_live_day) as earliest_date,
    denied.denied_day,
    spans.last_rel_set as rel_set,
    spans.last_anchor as anchor,
    spans.last_authority as authority
from spans
inner join
    denied
    on denied.property_key = spans.property_key
    and denied.witness = spans.witness
    and denied.link_key = spans.link_key
    and denied.span_no = spans.span_no
