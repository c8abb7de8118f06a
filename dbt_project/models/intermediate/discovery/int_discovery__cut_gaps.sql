{{ config(materialized='table', indexes=[{'columns': ['property_key', 'engine', 'milestone']}]) }}

{%- set arms = {
    'followed': 'linked_followed', 'nofollow': 'linked_nofollow', 'internal': 'linked_internal',
} -%}
{#- Days that a page may wait before more of them tell nothing new. -#}
{%- set longest = 366 %}

with
    links as (
        select property_key, page_key, milestone, after_date, by_date, reason
        from {{ ref('fct_page_milestone') }}
        where milestone in ('{{ arms.values() | join("', '") }}')
    ),

    edits as (
        select property_key, page_key, first_day, last_day + 21 as last_day
        from ({{ dated_page_changes() }}) as page_changes
        where is_changed
        union all
        -- A sitemap that names a page from its first day on is no event of its own.
        select sitemap.property_key, sitemap.page_key, sitemap.after_date + 1, sitemap.by_date + 21
        from {{ ref('fct_page_milestone') }} as sitemap
        inner join
            {{ ref('fct_page_milestone') }} as published
            on published.property_key = sitemap.property_key
            and published.page_key = sitemap.page_key
            and published.milestone = 'published'
        where sitemap.milestone = 'in_sitemap' and sitemap.after_date >= published.by_date
    ),

    -- A wait that ended otherwise ends with its last sight, and a last gap that goes beyond the
    -- longest wait tells nothing.
    counted as (
        select
            *,
            case
                when
                    ending = 'gone' or (ending = 'event' and by_date > entered_date + {{ longest }})
                then least(after_date, entered_date + {{ longest }})
                else least(coalesce(by_date, after_date), entered_date + {{ longest }})
            end as last_date
        from {{ ref('int_discovery__place_waits') }}
    ),

    numbered as (
        select counted.*, counted.entered_date + numbers.day_no as day
        from counted
        cross join
            lateral generate_series(1, counted.last_date - counted.entered_date) as numbers(day_no)
    ),

    days as (
        select
            property_key,
            engine,
            milestone,
            page_key,
            topic,
            day,
            -- The days between the last look without and the first with the event are one gap.
            ending = 'event' and day > after_date as is_last_gap,
            day - start_by_date as age
        from numbered
    ),

    disturbed as (
        select distinct days.property_key, days.engine, days.milestone, days.page_key, days.day
        from days
        inner join
            edits
            on edits.property_key = days.property_key
            and edits.page_key = days.page_key
            and days.day between edits.first_day and edits.last_day
    ),

    stated as (
        select
            days.*,
            disturbed.day is not null as is_disturbed,
            case
                when days.age is null then 6 else width_bucket(days.age, array[4, 8, 15, 29, 57])
            end as age_band,
            {%- for arm in arms %}
                {{ link_state('days.day', 'link_' ~ arm) }} as {{ arm }}_state
                {{- ',' if not loop.last }}
            {%- endfor %}
        from days
        left join
            disturbed
            on disturbed.property_key = days.property_key
            and disturbed.engine = days.engine
            and disturbed.milestone = days.milestone
            and disturbed.page_key = days.page_key
            and disturbed.day = days.day
        {%- for arm, milestone in arms.items() %}
            left join
                links as link_{{ arm }}
                on link_{{ arm }}.property_key = days.property_key
                and link_{{ arm }}.page_key = days.page_key
                and link_{{ arm }}.milestone = '{{ milestone }}'
        {%- endfor %}
    )

select
    property_key,
    engine,
    milestone,
    page_key,
    topic,
    is_last_gap,
    age_band,
    (day - date '2000-01-03') / 14 as fortnight_no,
    {{ arms.keys() | join('_state, ') }}_state,
    is_disturbed,
    count(*)::integer as day_count
from stated
group by
    property_key,
    engine,
    milestone,
    page_key,
    topic,
    is_last_gap,
    age_band,
    (day - date '2000-01-03') / 14,
    {{ arms.keys() | join('_state, ') }}_state,
    is_disturbed
