{{ config(materialized='table', indexes=[{'columns': ['property_key', 'engine', 'milestone']}]) }}

{%- set arms = {
    'followed': 'linked_followed', 'nofollow': 'linked_nofollow', 'internal': 'linked_internal',
} -%}
{#- Days that a page may wait before more of them tell nothing new. -#}
{%- set longest = 366 %}
{%- set wait = 'property_key, engine, milestone, page_key' -%}

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
    waits as (
        select
            *,
            entered_date + 1 as first_date,
            case
                when
                    ending = 'gone' or (ending = 'event' and by_date > entered_date + {{ longest }})
                then least(after_date, entered_date + {{ longest }})
                else least(coalesce(by_date, after_date), entered_date + {{ longest }})
            end as last_date
        from {{ ref('int_discovery__place_waits') }}
    ),

    -- Days from which on something is another than on the day before: some forty of a page, however
    -- long it waits.
    cuts as (
        select {{ wait }}, first_date as day
        from waits
        union
        select {{ wait }}, after_date + 1
        from waits
        where ending = 'event'
        union
        select {{ wait }}, start_by_date + age.first_day
        from waits
        cross join (values (4), (8), (15), (29), (57)) as age(first_day)
        union
        select {{ wait }}, date '2000-01-03' + 14 * fortnight.number
        from waits
        cross join
            lateral generate_series(
                (first_date - date '2000-01-03') / 14 + 1, (last_date - date '2000-01-03') / 14
            ) as fortnight(number)
        union
        select waits.{{ wait | replace(', ', ', waits.') }}, link_days.day
        from waits
        inner join
            links on links.property_key = waits.property_key and links.page_key = waits.page_key
        cross join
            lateral(
                values
                    (links.after_date - 13),
                    (links.after_date + 1),
                    (links.by_date + 1),
                    (links.by_date + 8),
                    (links.by_date + 29),
                    (links.by_date + 57)
            ) as link_days(day)
        union
        select waits.{{ wait | replace(', ', ', waits.') }}, edit_days.day
        from waits
        inner join
            edits on edits.property_key = waits.property_key and edits.page_key = waits.page_key
        cross join lateral(values (edits.first_day), (edits.last_day + 1)) as edit_days(day)
    ),

    pieces as (
        select
            waits.property_key,
            waits.engine,
            waits.milestone,
            waits.page_key,
            waits.topic,
            cuts.day,
            lead(cuts.day, 1, waits.last_date + 1) over (
                partition by waits.property_key, waits.engine, waits.milestone, waits.page_key
                order by cuts.day
            )
            - cuts.day as day_count,
            -- The days between the last look without and the first with the event are one gap.
            waits.ending = 'event' and cuts.day > waits.after_date as is_last_gap,
            cuts.day - waits.start_by_date as age
        from waits
        inner join
            cuts
            on cuts.property_key = waits.property_key
            and cuts.engine = waits.engine
            and cuts.milestone = waits.milestone
            and cuts.page_key = waits.page_key
            and cuts.day between waits.first_date and waits.last_date
    ),

    disturbed as (
        select distinct
            pieces.property_key, pieces.engine, pieces.milestone, pieces.page_key, pieces.day
        from pieces
        inner join
            edits
            on edits.property_key = pieces.property_key
            and edits.page_key = pieces.page_key
            and pieces.day between edits.first_day and edits.last_day
    ),

    stated as (
        select
            pieces.*,
            disturbed.day is not null as is_disturbed,
            case
                when pieces.age is null
                then 6
                else width_bucket(pieces.age, array[4, 8, 15, 29, 57])
            end as age_band,
            {%- for arm in arms %}
                {{ link_state('pieces.day', 'link_' ~ arm) }} as {{ arm }}_state
                {{- ',' if not loop.last }}
            {%- endfor %}
        from pieces
        left join
            disturbed
            on disturbed.property_key = pieces.property_key
            and disturbed.engine = pieces.engine
            and disturbed.milestone = pieces.milestone
            and disturbed.page_key = pieces.page_key
            and disturbed.day = pieces.day
        {%- for arm, milestone in arms.items() %}
            left join
                links as link_{{ arm }}
                on link_{{ arm }}.property_key = pieces.property_key
                and link_{{ arm }}.page_key = pieces.page_key
                and link_{{ arm }}.milestone = '{{ milestone }}'
        {%- endfor %}
    )

select
    {{ wait }},
    topic,
    is_last_gap,
    age_band,
    (day - date '2000-01-03') / 14 as fortnight_no,
    {{ arms.keys() | join('_state, ') }}_state,
    is_disturbed,
    sum(day_count)::integer as day_count
from stated
group by
    {{ wait }},
    topic,
    is_last_gap,
    age_band,
    (day - date '2000-01-03') / 14,
    {{ arms.keys() | join('_state, ') }}_state,
    is_disturbed
