with weeks as (select * from {{ ref('int_week__list_weeks') }} where subject = 'pages')

select
    crawl.property_key,
    weeks.week_no,
    weeks.last_day,
    crawl.day,
    crawl.page_key,
    crawl.url,
    crawl.indexability,
    crawl.is_indexable,
    case
        when crawl.is_indexability_changed then previous.is_indexable else crawl.is_indexable
    end as was_indexable
from {{ ref('fct_page_crawl') }} as crawl
inner join
    weeks
    on weeks.property_key = crawl.property_key
    and crawl.day between weeks.first_day and weeks.last_day
left join
    {{ ref('fct_page_crawl') }} as previous
    on previous.property_key = crawl.property_key
    and previous.page_key = crawl.page_key
    and previous.day = crawl.previous_answer_day
    and previous.origin = crawl.origin
where crawl.previous_answer_day is not null
