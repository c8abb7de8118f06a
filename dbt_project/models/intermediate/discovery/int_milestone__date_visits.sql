{{ config(materialized='table') }}

with
    crawlers as (
        select bot, operator, case operator when 'microsoft' then 'bing' else operator end as engine
        from {{ ref('dim_bot') }}
        where is_index_crawler
    ),

    visits as (
        select visit.property_key, visit.page_key, crawlers.engine, min(visit.day) as by_date
        from {{ ref('fct_bot_crawl') }} as visit
        inner join crawlers on crawlers.bot = visit.bot and crawlers.operator = visit.operator
        where visit.verdict = 'verified' and visit.status_code in (200, 304) and visit.page_key <> 0
        group by visit.property_key, visit.page_key, crawlers.engine
    ),

    logs as (
        select property_key, min(day) as first_day
        from {{ ref('fct_log_day') }}
        group by property_key
    ),

    -- Since when a page can have been visited at all.
    born as (
        select property_key, page_key, min(after_date) + 1 as born_date
        from
            (
                {%- for witness in ['crawls', 'statements', 'requests'] %}
                    {{ 'union all' if not loop.first }}
                    select property_key, page_key, milestone, after_date
                    from {{ ref('int_milestone__date_' ~ witness) }}
                {%- endfor %}
            ) as told
        where milestone = 'published' and after_date is not null
        group by property_key, page_key
    ),

    -- Of a day that is not whole nobody knows who came: what is seen later may be no first visit.
    broken as (
        select
            visits.property_key, visits.page_key, visits.engine, min(list_breaks.day) as break_date
        from visits
        inner join
            born on born.property_key = visits.property_key and born.page_key = visits.page_key
        inner join
            {{ ref('int_milestone__list_breaks') }} as list_breaks
            on list_breaks.property_key = visits.property_key
            and list_breaks.milestone = 'visited'
            and list_breaks.day >= born.born_date
            and list_breaks.day < visits.by_date
        group by visits.property_key, visits.page_key, visits.engine
    ),

    dated as (
        select
            visits.property_key,
            visits.page_key,
            visits.engine,
            visits.by_date,
            case
                when born.born_date > logs.first_day
                then coalesce(broken.break_date, visits.by_date) - 1
            end as after_date
        from visits
        inner join logs on logs.property_key = visits.property_key
        left join
            born on born.property_key = visits.property_key and born.page_key = visits.page_key
        left join
            broken
            on broken.property_key = visits.property_key
            and broken.page_key = visits.page_key
            and broken.engine = visits.engine
    )

select
    property_key,
    page_key,
    engine,
    'visited' as milestone,
    after_date,
    by_date,
    'log' as witness,
    case when after_date is null then 'unknown_start' end as reason
from dated
