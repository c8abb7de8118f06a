{#- Periods of four weeks that end a week apart: of those whose ends are whole periods from this day on none overlap. -#}
{%- set first_end = "date '2000-01-01'" %}
{{ config(materialized='table') }}

with
    told as (
        select *
        from {{ ref('int_page__read_vitals') }}
        where metric is not null and last_date is not null and target_url_key is not null
    ),

    -- A period is told again by each night; the newest word stands.
    newest as (
        select distinct
            on (property_key, target_url_key, is_origin, form_factor, metric, last_date) *
        from told
        order by
            property_key,
            target_url_key,
            is_origin,
            form_factor,
            metric,
            last_date,
            day desc,
            observed_at desc,
            p75
    )

select
    newest.property_key,
    newest.target_url_key,
    newest.is_origin,
    newest.form_factor,
    newest.metric,
    newest.last_date,
    newest.first_date,
    newest.target_url,
    case
        when not newest.is_origin then {{ page_as_of('newest', 'target_url_key') }}
    end as page_key,
    newest.p75,
    newest.good_share,
    newest.needs_improvement_share,
    newest.poor_share,
    (newest.last_date - {{ first_end }}) / 7 % 4 = 0 as is_independent,
    newest.day as read_day
from newest {{ join_page_version('newest', 'target_url_key', 'newest.last_date') }}
