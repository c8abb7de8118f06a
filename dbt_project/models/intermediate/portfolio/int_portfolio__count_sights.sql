{{ config(materialized='table') }}

with
    spans as (
        select
            links.property_key,
            {{ linking_key('links') }} as linking_key,
            spans.witness,
            date_trunc('month', spans.begin_day::timestamp) as first_month,
            date_trunc('month', spans.last_live_day::timestamp) as last_month
        from {{ ref('int_link__find_spans') }} as spans
        inner join
            {{ ref('int_link__describe_links') }} as links
            on links.property_key = spans.property_key
            and links.link_key = spans.link_key
        where spans.last_live_day >= spans.begin_day
    ),

    months as (
        select distinct property_key, linking_key, witness, month::date as month
        from
            spans,
            generate_series(
                first_month::timestamp, last_month::timestamp, interval '1 month'
            ) as month
    ),

    sights as (
        select
            property_key,
            linking_key,
            month,
            array_agg(witness order by witness collate "C") as witnesses
        from months
        group by property_key, linking_key, month
    )

select property_key, month, witnesses, count(*) as domain_count
from sights
group by property_key, month, witnesses
