{{ config(materialized='table', indexes=[{'columns': ['property_key', 'engine', 'milestone']}]) }}

{%- set arms = {
    'linked_followed': 'acquired_followed', 'linked_nofollow': 'acquired_nofollow', 'linked_internal': 'internal',
} %}

with
    waits as (select * from {{ ref('int_discovery__place_waits') }}),

    links as (
        select
            property_key,
            page_key,
            case
                milestone
                {%- for milestone, arm in arms.items() %}
                    when '{{ milestone }}' then '{{ arm }}'
                {%- endfor %}
            end as arm,
            by_date
        from {{ ref('fct_page_milestone') }}
        where milestone in ('{{ arms.keys() | join("', '") }}') and reason is null
    ),

    -- Only a link that came while the page waited.
    linked as (
        select
            waits.property_key,
            waits.engine,
            waits.milestone,
            waits.page_key,
            waits.topic,
            waits.start_by_date,
            links.arm,
            links.by_date as link_date
        from waits
        inner join
            links on links.property_key = waits.property_key and links.page_key = waits.page_key
        where links.by_date > waits.entered_date and links.by_date <= waits.after_date
    ),

    days as (
        select
            linked.*,
            since.day_no,
            linked.link_date + since.day_no as day,
            linked.link_date + since.day_no - linked.start_by_date as age
        from linked
        cross join generate_series(1, 28) as since(day_no)
    )

select
    property_key,
    engine,
    milestone,
    page_key,
    topic,
    arm,
    case when age is null then 6 else width_bucket(age, array[4, 8, 15, 29, 57]) end as age_band,
    (day - date '2000-01-03') / 14 as fortnight_no,
    count(*) filter (where day_no <= 14)::integer as early_day_count,
    count(*)::integer as day_count
from days
group by
    property_key,
    engine,
    milestone,
    page_key,
    topic,
    arm,
    case when age is null then 6 else width_bucket(age, array[4, 8, 15, 29, 57]) end,
    (day - date '2000-01-03') / 14
