{{ config(materialized='table') }}

with
    spans as (select * from {{ ref('int_link__date_spans') }} where last_live_day is not null),

    met as (
        select
            spans.property_key, spans.link_key, spans.witness, spans.span_no, max(checks.day) as day
        from spans
        inner join
            {{ ref('fct_link_check') }} as checks
            on checks.property_key = spans.property_key
            and checks.link_key = spans.link_key
            and checks.day >= spans.begin_day
            and checks.day < coalesce(spans.lost_date, 'infinity')
        where checks.presence = 'present'
        group by spans.property_key, spans.link_key, spans.witness, spans.span_no
    )

select
    spans.property_key,
    spans.link_key,
    spans.witness,
    spans.span_no,
    coalesce(spans.start_date, spans.begin_day) as span_begin_date,
    greatest(spans.last_live_day, met.day) as last_live_day,
    spans.lost_date,
    spans.lost_observed_date
from spans
left join
    met
    on met.property_key = spans.property_key
    and met.link_key = spans.link_key
    and met.witness = spans.witness
    and met.span_no = spans.span_no
union all
-- What nobody else tells of lasted from the first visit that met it.
select
    property_key,
    link_key,
    {{ visiting_witness() }},
    1,
    first_sight_date,
    last_sight_date,
    lost_date,
    missed_date
from {{ ref('int_relation__list_links') }}
where is_of_visits
