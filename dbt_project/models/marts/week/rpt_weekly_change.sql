with
    weeks as (
        select property_key, subject, last_day, first_day > since_day as is_known_before
        from {{ ref('int_week__list_weeks') }}
        where week_no = 0
    ),

    -- What is told in the week of the first look is counted by nobody.
    links as (
        select change.*
        from {{ ref('int_week__find_link_changes') }} as change
        inner join
            weeks
            on weeks.property_key = change.property_key
            and weeks.last_day = change.last_day
            and weeks.subject = 'links'
            and weeks.is_known_before
    ),

    positions as (
        select moved.*, keyword.keyword
        from {{ ref('int_week__compare_positions') }} as moved
        inner join
            {{ ref('dim_keyword') }} as keyword
            on keyword.property_key = moved.property_key
            and keyword.keyword_key = moved.keyword_key
        where moved.week_no = 0 and moved.position <> moved.previous_position
    ),

    -- Of a page that changed more than once in the week the last change to each side.
    pages as (
        select distinct on (property_key, page_key, is_indexable) *
        from {{ ref('int_week__find_page_changes') }}
        where week_no = 0
        order by property_key, page_key, is_indexable, day desc
    )

select
    property_key,
    measure,
    'all' as device,
    'all' as locale,
    item_key,
    last_day,
    item,
    authority,
    witness,
    null::integer as previous_position,
    null::integer as position,
    null::text as indexability
from links
union all
select
    property_key,
    case when position < previous_position then 'positions_won' else 'positions_lost' end,
    device,
    locale,
    keyword_key,
    last_day,
    keyword,
    null,
    null,
    previous_position,
    position,
    null
from positions
union all
select
    property_key,
    case when is_indexable then 'pages_indexable' else 'pages_unindexable' end,
    'all',
    'all',
    page_key,
    last_day,
    url,
    null,
    null,
    null,
    null,
    indexability
from pages
