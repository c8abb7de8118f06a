{#- Half a year: the last week, and for each week of a quarter the quarter before it. -#}
{%- set weeks = 26 -%}
{{ config(materialized='table') }}

with
    properties as (select property_key, engine from {{ ref('stg_ops__property') }}),

    measured as (
        select property_key, 'links' as subject, min(day) as since_day, max(day) as until_day
        from {{ ref('int_link__judge_looks') }}
        group by property_key
        union all
        select visibility.property_key, 'positions', min(visibility.day), max(visibility.day)
        from {{ ref('rpt_serp_visibility') }} as visibility
        inner join
            properties
            on properties.property_key = visibility.property_key
            and properties.engine = visibility.engine
        where visibility.valid_check_count > 0
        group by visibility.property_key
        union all
        -- Figures that may change still are too low.
        select property_key, 'searches', min(day), max(day)
        from {{ ref('fct_search_total') }}
        where clicks is not null and is_provisional is not true
        group by property_key
        union all
        select property_key, 'pages', min(day), max(day)
        from {{ ref('fct_page_crawl') }}
        where status_code is not null
        group by property_key
    ),

    newest as (
        select property_key, max(until_day) as newest_day from measured group by property_key
    ),

    -- A subject is told days after another, so each has weeks that end with its own last day; one
    -- that is no longer measured goes on, by whole weeks, beside those that are.
    ends as (
        select
            newest.property_key,
            subjects.subject,
            measured.since_day,
            coalesce(
                measured.until_day + 7 * ((newest.newest_day - measured.until_day) / 7),
                newest.newest_day
            ) as end_day
        from newest
        cross join (values ('links'), ('positions'), ('searches'), ('pages')) as subjects(subject)
        left join
            measured
            on measured.property_key = newest.property_key
            and measured.subject = subjects.subject
    )

select
    ends.property_key,
    ends.subject,
    numbers.week_no,
    ends.end_day - 7 * numbers.week_no - 6 as first_day,
    ends.end_day - 7 * numbers.week_no as last_day,
    ends.since_day
from ends
cross join generate_series(0, {{ weeks - 1 }}) as numbers(week_no)
where numbers.week_no = 0 or ends.end_day - 7 * numbers.week_no >= ends.since_day
