{{ config(materialized='table', pre_hook='{{ join_as_written() }}') }}

{%- set check_outcomes = outcomes() | selectattr('of', 'equalto', 'checks') | list %}
{%- set week = "(({}) - date '1970-01-01') / 7" %}
{%- set ends = ['base_before', 'base_end', 'window_before', 'window_end'] %}

with
    windows as (
        select
            base.begin_day - 1 as base_before,
            base.end_day as base_end,
            headline.begin_day - 1 as window_before,
            headline.end_day as window_end
        from {{ ref('link_windows') }} as base
        cross join {{ ref('link_windows') }} as headline
        where base.window_name = 'base' and headline.window_name = 'headline'
    ),

    looks as (
        select property_key, min(day) as first_day, max(day) as last_day
        from {{ ref('int_link__judge_looks') }}
        where is_complete_look
        group by property_key
    ),

    weeks as (
        select looks.property_key, date '1970-01-01' + 7 * numbers.week_no as event_date
        from looks
        cross join windows
        cross join
            lateral generate_series(
                {{ week.format('looks.first_day + ' ~ var('link_memory_days') ~ ' + 6') }},
                {{ week.format('looks.last_day - windows.window_end') }}
            ) as numbers(week_no)
    ),

    dates as (
        select
            weeks.property_key,
            weeks.event_date,
            min(periods.depth) as depth,
            count(updates.google_update_key) > 0 as has_update
        from weeks
        cross join windows
        inner join
            {{ ref('stg_ops__panel_depth') }} as periods
            on periods.property_key = weeks.property_key
            and periods.from_date <= weeks.event_date + windows.window_end
            and periods.to_date > weeks.event_date + windows.base_before
        left join
            {{ ref('int_effect__list_updates') }} as updates
            on updates.begins_on <= weeks.event_date + windows.window_end
            and updates.ends_on > weeks.event_date + windows.base_before
        group by weeks.property_key, weeks.event_date
    ),

    exposures as (select * from {{ ref('int_effect__expose_topics') }}),

    touched as (
        select distinct
            changes.property_key,
            changes.page_key,
            date '1970-01-01' + 7 * numbers.week_no as event_date
        from {{ ref('int_link__place_changes') }} as changes
        cross join windows
        cross join
            lateral generate_series(
                {{ week.format('changes.change_date - windows.window_end + 6') }},
                {{ week.format('changes.change_date + ' ~ var('link_memory_days')) }}
            ) as numbers(week_no)
        where
            date '1970-01-01' + 7 * numbers.week_no >= changes.from_date
            and date '1970-01-01' + 7 * numbers.week_no < changes.to_date
    ),

    placed as (
        select
            stated.property_key,
            stated.page_key,
            stated.topic,
            stated.from_date,
            stated.to_date,
            series.series_key
        from {{ ref('int_serp__place_keywords') }} as stated
        inner join
            {{ ref('int_link__list_series') }} as series
            on series.property_key = stated.property_key
            and series.keyword_key = stated.keyword_key
    ),

    marks as (
        select distinct dates.property_key, dates.event_date + ends.day as day
        from dates
        cross join windows
        cross join
            lateral(
                values
                    {%- for end in ends %}
                        (windows.{{ end }}){{ ',' if not loop.last }}
                    {%- endfor %}
            ) as ends(day)
    ),

    totals as (
        select sums.*
        from {{ ref('int_link__sum_positions') }} as sums
        inner join marks on marks.property_key = sums.property_key and marks.day = sums.day
    ),

    changed as (
        select
            placed.property_key,
            placed.topic,
            placed.page_key,
            dates.event_date,
            dates.has_update,
            base_end.ranked_count - coalesce(base_before.ranked_count, 0) as ranked_count,
            {%- for part in ['base', 'window'] %}
                {%- for total in ['value_count'] + check_outcomes | map(attribute='total') | list %}
                    {{ part }}_end.{{ total }}
                    - coalesce({{ part }}_before.{{ total }}, 0) as {{ part }}_{{ total }},
                {%- endfor %}
                windows.{{ part }}_end
                - windows.{{ part }}_before as {{ part }}_days{{ ',' if not loop.last }}
            {%- endfor %}
        from dates
        cross join windows
        inner join
            placed
            on placed.property_key = dates.property_key
            and dates.event_date >= placed.from_date
            and dates.event_date < placed.to_date
        {%- for end in ends %}
                {{ 'inner' if end.endswith('end') else 'left' }}
            join
                totals as {{ end }}
                on {{ end }}.property_key = placed.property_key
                and {{ end }}.series_key = placed.series_key
                and {{ end }}.day = dates.event_date + windows.{{ end }}
                and {{ end }}.depth = dates.depth
        {%- endfor %}
    ),

    -- Untouched pages alone: their topic's links are all of other pages.
    pages as (
        select
            changed.property_key,
            changed.topic,
            changed.event_date,
            changed.page_key,
            bool_or(changed.has_update) as has_update,
            {%- for outcome in check_outcomes %}
                avg(
                    {{ window_mean('changed', outcome, 'window_') }}
                    - {{ window_mean('changed', outcome, 'base_') }}
                ) as {{ outcome['name'] }}_change{{ ',' if not loop.last }}
            {%- endfor %}
        from changed
        left join
            touched
            on touched.property_key = changed.property_key
            and touched.page_key = changed.page_key
            and touched.event_date = changed.event_date
        where
            touched.page_key is null
            and 2 * changed.base_value_count >= changed.base_days
            and 2 * changed.window_value_count >= changed.window_days
        group by changed.property_key, changed.topic, changed.event_date, changed.page_key
        having sum(changed.ranked_count) > 0
    )

select
    pages.property_key,
    pages.topic,
    pages.event_date,
    count(*)::integer as page_count,
    coalesce(max(exposures.exposure), 0) as exposure,
    bool_or(pages.has_update) as has_update,
    {%- for outcome in check_outcomes %}
        avg(
            pages.{{ outcome['name'] }}_change
        ) as {{ outcome['name'] }}_change{{ ',' if not loop.last }}
    {%- endfor %}
from pages
left join
    exposures
    on exposures.property_key = pages.property_key
    and exposures.topic = pages.topic
    and exposures.event_date = pages.event_date
group by pages.property_key, pages.topic, pages.event_date
