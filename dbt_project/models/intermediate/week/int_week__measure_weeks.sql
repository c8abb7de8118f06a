{{ config(materialized='table') }}

with
    weeks as (select * from {{ ref('int_week__list_weeks') }}),

    measures as (
        select *
        from
            (
                values
                    ('links_won', 'links', true),
                    ('links_lost', 'links', true),
                    ('domains_won', 'links', true),
                    ('domains_lost', 'links', true),
                    ('positions_won', 'positions', true),
                    ('positions_lost', 'positions', true),
                    ('share_of_voice', 'positions', false),
                    ('clicks', 'searches', true),
                    ('pages_indexable', 'pages', true),
                    ('pages_unindexable', 'pages', true)
            ) as named(measure, subject, is_count)
    ),

    looked as (
        select weeks.property_key, weeks.last_day
        from weeks
        inner join
            {{ ref('int_link__judge_looks') }} as look
            on look.property_key = weeks.property_key
            and look.day between weeks.first_day and weeks.last_day
        -- In the week of the first look nobody knows what stood before.
        where weeks.subject = 'links' and weeks.first_day > weeks.since_day
        group by weeks.property_key, weeks.last_day
    ),

    link_changes as (
        select property_key, last_day, measure, count(*) as number
        from {{ ref('int_week__find_link_changes') }}
        group by property_key, last_day, measure
    ),

    -- As numeric, whose sum is the same in any order.
    visibility as (
        select
            visibility.property_key,
            weeks.last_day,
            visibility.device,
            sum(visibility.click_share_sum::numeric) as click_share_sum,
            sum(visibility.valid_check_count) as valid_check_count
        from {{ ref('rpt_serp_visibility') }} as visibility
        inner join
            {{ ref('dim_property') }} as property
            on property.property_key = visibility.property_key
            and property.engine = visibility.engine
        inner join
            weeks
            on weeks.property_key = visibility.property_key
            and weeks.subject = 'positions'
            and visibility.day between weeks.first_day and weeks.last_day
        group by visibility.property_key, weeks.last_day, visibility.device
    ),

    moves as (
        select
            property_key,
            last_day,
            device,
            count(*) filter (where position < previous_position) as won_count,
            count(*) filter (where position > previous_position) as lost_count
        from {{ ref('int_week__compare_positions') }}
        group by property_key, last_day, device
    ),

    searches as (
        select total.property_key, weeks.last_day, sum(total.clicks) as clicks
        from {{ ref('fct_search_total') }} as total
        inner join
            weeks
            on weeks.property_key = total.property_key
            and weeks.subject = 'searches'
            and total.day between weeks.first_day and weeks.last_day
        group by total.property_key, weeks.last_day
        -- A week without one of its days is no less of a week.
        having count(total.clicks) = 7
    ),

    -- An answer that has none before it is compared with nothing.
    answered as (
        select crawl.property_key, {{ week_end_of('crawl.day') }} as last_day
        from {{ ref('fct_page_crawl') }} as crawl
        inner join
            ({{ span_of_weeks('pages') }}) as span
            on span.property_key = crawl.property_key
            and crawl.day between span.first_day and span.last_day
        where crawl.previous_answer_day is not null
        group by crawl.property_key, {{ week_end_of('crawl.day') }}
    ),

    pages as (
        select
            answered.property_key,
            answered.last_day,
            count(distinct page_change.page_key) filter (where page_change.is_indexable) as gained,
            count(distinct page_change.page_key) filter (where not page_change.is_indexable) as lost
        from answered
        left join
            {{ ref('int_week__find_page_changes') }} as page_change
            on page_change.property_key = answered.property_key
            and page_change.last_day = answered.last_day
        group by answered.property_key, answered.last_day
    ),

    curve as (
        select sum(click_share::numeric) as click_share_sum from {{ ref('dim_click_curve') }}
    ),

    -- What was measured: a measure without a row for a week was not.
    measured as (
        select
            looked.property_key,
            looked.last_day,
            measures.measure,
            'all' as device,
            coalesce(link_changes.number, 0)::double precision as value
        from looked
        inner join measures on measures.subject = 'links'
        left join
            link_changes
            on link_changes.property_key = looked.property_key
            and link_changes.last_day = looked.last_day
            and link_changes.measure = measures.measure
        union all
        select property_key, last_day, 'positions_won', device, won_count
        from moves
        union all
        select property_key, last_day, 'positions_lost', device, lost_count
        from moves
        union all
        select
            visibility.property_key,
            visibility.last_day,
            'share_of_voice',
            visibility.device,
            visibility.click_share_sum / visibility.valid_check_count / curve.click_share_sum
        from visibility
        cross join curve
        where visibility.valid_check_count > 0
        union all
        select property_key, last_day, 'clicks', 'all', clicks
        from searches
        union all
        select property_key, last_day, 'pages_indexable', 'all', gained
        from pages
        union all
        select property_key, last_day, 'pages_unindexable', 'all', lost
        from pages
    ),

    -- Desktop and mobile are named where nothing was checked, too.
    devices as (
        select property_key, 'positions' as subject, device
        from visibility
        union
        select weeks.property_key, weeks.subject, named.device
        from weeks
        inner join
            (
                values
                    ('links', 'all'),
                    ('searches', 'all'),
                    ('pages', 'all'),
                    ('positions', 'desktop'),
                    ('positions', 'mobile')
            ) as named(subject, device)
            on named.subject = weeks.subject
    )

select
    weeks.property_key,
    measures.measure,
    devices.device,
    weeks.week_no,
    weeks.first_day,
    weeks.last_day,
    measures.is_count,
    measured.value
from weeks
inner join measures on measures.subject = weeks.subject
inner join devices on devices.property_key = weeks.property_key and devices.subject = weeks.subject
left join
    measured
    on measured.property_key = weeks.property_key
    and measured.last_day = weeks.last_day
    and measured.measure = measures.measure
    and measured.device = devices.device
