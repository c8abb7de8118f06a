{{ config(materialized='table', indexes=[{'columns': ['property_key', 'series_key'], 'unique': True}]) }}

-- Every series has a total on each day from its first check to the last day of checks. Through the
-- index: there are as many totals as keyword-days.
select series.property_key, series.series_key, begins.first_day, ends.last_day
from {{ ref('int_link__list_series') }} as series
cross join
    lateral(
        select distinct on (totals.property_key) totals.day as first_day
        from {{ ref('int_link__sum_positions') }} as totals
        where totals.property_key = series.property_key and totals.series_key = series.series_key
        order by totals.property_key, totals.day asc
    ) as begins
cross join
    lateral(
        select distinct on (totals.property_key) totals.day as last_day
        from {{ ref('int_link__sum_positions') }} as totals
        where totals.property_key = series.property_key and totals.series_key = series.series_key
        order by totals.property_key, totals.day desc
    ) as ends
