{{ config(materialized='table') }}

with
    spans as (
        select
            spans.property_key,
            groups.linking_key,
            groups.link_group_key,
            spans.witness,
            date_trunc('month', spans.begin_day::timestamp) as first_month,
            date_trunc('month', spans.last_live_day::timestamp) as last_month
        from {{ ref('int_link__find_spans') }} as spans
        inner join
            {{ ref('int_link__group_links') }} as groups
            on groups.property_key = spans.property_key
            and groups.link_key = spans.link_key
        where spans.last_live_day >= spans.begin_day
    ),

    months as (
        select distinct
            spans.property_key, units.unit, units.thing_key, spans.witness, month::date as month
        from spans
        cross join
            lateral(values ('domain', spans.linking_key), ('link', spans.link_group_key)) as units(
                unit, thing_key
            )
        cross join
            lateral generate_series(
                spans.first_month::timestamp, spans.last_month::timestamp, interval '1 month'
            ) as month
    ),

    sights as (
        select
            property_key,
            unit,
            thing_key,
            month,
            array_agg(witness order by witness collate "C") as witnesses
        from months
        group by property_key, unit, thing_key, month
    )

select property_key, unit, month, witnesses, count(*) as seen_count
from sights
group by property_key, unit, month, witnesses
