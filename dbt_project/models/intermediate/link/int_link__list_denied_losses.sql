{{ config(materialized='table', indexes=[{'columns': ['property_key', 'link_key']}]) }}

with
    spans as (
        select *, least(claimed_lost_date, first_absent_day) as event_date
        from {{ ref('int_link__find_spans') }}
    ),

    links as (select * from {{ ref('int_link__describe_links') }}),

    denied as ({{ denied_losses('spans') }})

select
    spans.property_key,
    spans.witness,
    spans.link_key,
    spans.span_no,
    spans.event_date,
    case
        when spans.claimed_lost_date is null then spans.second_absent_day else spans.claim_day
    end as observed_date,
    case
        when spans.claimed_lost_date = spans.event_date then 'vendor_claim' else 'absence'
    end as loss_basis,
    least(coalesce(spans.last_visit_date, spans.last_live_day), spans.event_date) as earliest_date,
    denied.denied_day,
    spans.last_rel_set as rel_set,
    spans.last_anchor as anchor,
    spans.last_authority as authority,
    links.source_page_key,
    {{ linking_key('links') }} as linking_key,
    {{ page_as_of('links', 'page_key') }} as page_key
from spans
inner join
    denied
    on denied.property_key = spans.property_key
    and denied.witness = spans.witness
    and denied.link_key = spans.link_key
    and denied.span_no = spans.span_no
inner join
    links on links.property_key = spans.property_key and links.link_key = spans.link_key
    {{ join_page_version('links', 'page_key', 'spans.event_date') }}
