{%- set windows = visit_windows() %}
{{ config(materialized='table') }}

with
    units as (select * from {{ ref('int_effect__list_crawl_units') }} where reason is null),

    bots as (select bot from {{ ref('dim_bot') }} where is_crawler),

    -- Visits of a window are those up to its last day less those up to the day before it.
    edges as (
        select *
        from
            (
                values
                    {%- for name, days in windows.items() %}
                        ('{{ name }}', {{ days[0] - 1 }}, -1),
                        ('{{ name }}', {{ days[1] }}, 1){{ ',' if not loop.last }}
                    {%- endfor %}
            ) as edge(window_name, days, sign)
    ),

    visits as (
        select
            crawl.property_key, crawl.bot, crawl.page_key, crawl.day, sum(crawl.hit_count) as visits
        from {{ ref('fct_bot_crawl') }} as crawl
        inner join bots on bots.bot = crawl.bot
        inner join
            {{ ref('int_bot__list_whole_days') }} as whole_days
            on whole_days.property_key = crawl.property_key
            and whole_days.day = crawl.day
        inner join
            (select distinct property_key, page_key from units) as pages
            on pages.property_key = crawl.property_key
            and pages.page_key = crawl.page_key
        where crawl.verdict = 'verified' and crawl.status_code between 200 and 399
        group by crawl.property_key, crawl.bot, crawl.page_key, crawl.day
    ),

    visitors as (select distinct property_key, bot, page_key from visits),

    marks as (
        select
            units.property_key,
            units.topic,
            units.event_date,
            units.page_key,
            units.event_key,
            units.arm,
            visitors.bot,
            edges.*,
            units.event_date + edges.days as day
        from units
        inner join
            visitors
            on visitors.property_key = units.property_key
            and visitors.page_key = units.page_key
        cross join edges
    ),

    -- Visits up to the end of each day that matters.
    summed as (
        select
            property_key,
            bot,
            page_key,
            day,
            sum(sum(visits)) over (
                partition by property_key, bot, page_key order by day
            ) as visit_total
        from
            (
                select property_key, bot, page_key, day, visits
                from visits
                union all
                select property_key, bot, page_key, day, 0
                from marks
            ) as days
        group by property_key, bot, page_key, day
    ),

    counted as (
        select
            marks.property_key,
            marks.bot,
            marks.topic,
            marks.event_date,
            marks.page_key,
            marks.event_key,
            marks.arm,
            {%- for name in windows %}
                sum(marks.sign * summed.visit_total) filter (
                    where marks.window_name = '{{ name }}'
                )::bigint as {{ name }}_count{{ ',' if not loop.last }}
            {%- endfor %}
        from marks
        inner join
            summed
            on summed.property_key = marks.property_key
            and summed.bot = marks.bot
            and summed.page_key = marks.page_key
            and summed.day = marks.day
        group by
            marks.property_key,
            marks.bot,
            marks.topic,
            marks.event_date,
            marks.page_key,
            marks.event_key,
            marks.arm
    )

-- A page that was not visited in either window says nothing of a ratio.
select *
from counted
where base_count + window_count > 0
