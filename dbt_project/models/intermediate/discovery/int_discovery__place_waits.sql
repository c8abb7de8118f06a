{{ config(materialized='table', indexes=[{'columns': ['property_key', 'engine', 'milestone', 'page_key']}]) }}

{%- set known_start = 'start.after_date is not null and start.by_date - start.after_date <= 14' %}

with
    milestones as (select * from {{ ref('fct_page_milestone') }}),

    pages as (select property_key, page_key, topic from {{ ref('dim_page') }}),

    watches as (select * from {{ ref('int_milestone__list_watches') }}),

    -- A page whose publication is not known to a fortnight has no clock, but may wait.
    starts as (
        select
            start.property_key,
            start.page_key,
            case when {{ known_start }} then start.after_date end as start_after_date,
            case when {{ known_start }} then start.by_date end as start_by_date
        from milestones as start
        where start.milestone = 'published'
    ),

    asked as (
        select
            property_key,
            page_key,
            engine,
            min(day) as first_day,
            max(day) filter (where not is_indexed) as last_day
        from {{ ref('int_milestone__place_looks') }}
        group by property_key, page_key, engine
    ),

    askers as (
        select property_key, engine, min(first_day) as first_day
        from asked
        group by property_key, engine
    ),

    watched as (
        select starts.*, watches.engine, watches.milestone, watches.first_day, watches.last_day
        from starts
        inner join watches on watches.property_key = starts.property_key
        where not watches.is_of_later_pages or starts.start_after_date >= watches.first_day
        union all
        -- Pages that came while an engine was asked are watched from then on, also those that were
        -- never asked about since something else proved them indexed; older ones from their own
        -- first look on.
        select
            starts.*,
            askers.engine,
            'indexed' as milestone,
            case
                when starts.start_after_date >= askers.first_day
                then starts.start_after_date
                else asked.first_day
            end as first_day,
            asked.last_day
        from starts
        inner join askers on askers.property_key = starts.property_key
        left join
            asked
            on asked.property_key = starts.property_key
            and asked.page_key = starts.page_key
            and asked.engine = askers.engine
        where starts.start_after_date >= askers.first_day or asked.first_day is not null
    ),

    -- What is not known of a day is not known of later ones either, of whoever waited on it.
    blind as (
        select
            starts.property_key,
            starts.page_key,
            list_breaks.milestone,
            min(list_breaks.day) as from_date
        from starts
        inner join
            {{ ref('int_milestone__list_breaks') }} as list_breaks
            on list_breaks.property_key = starts.property_key
            and list_breaks.day > starts.start_after_date
        group by starts.property_key, starts.page_key, list_breaks.milestone
    ),

    told as (
        select
            watched.property_key,
            watched.page_key,
            pages.topic,
            watched.engine,
            watched.milestone,
            watched.start_after_date,
            watched.start_by_date,
            watched.first_day as watched_from_date,
            least(watched.last_day, blind.from_date - 1) as watched_until_date,
            reached.after_date as reached_after_date,
            reached.by_date as reached_by_date,
            gone.after_date as gone_after_date,
            gone.by_date as gone_by_date
        from watched
        inner join
            pages on pages.property_key = watched.property_key and pages.page_key = watched.page_key
        left join
            milestones as reached
            on reached.property_key = watched.property_key
            and reached.page_key = watched.page_key
            and reached.engine = watched.engine
            and reached.milestone = watched.milestone
        left join
            milestones as gone
            on gone.property_key = watched.property_key
            and gone.page_key = watched.page_key
            and gone.milestone = 'gone'
        left join
            blind
            on blind.property_key = watched.property_key
            and blind.page_key = watched.page_key
            and blind.milestone = watched.milestone
    ),

    -- Watched from the beginning where the witness looked before the page was there; else from the
    -- witness's first look, of which only those know who waited then.
    ended as (
        select
            *,
            case
                when start_by_date > watched_from_date then start_by_date - 1 else watched_from_date
            end as entered_date,
            case
                when
                    reached_by_date is not null
                    and reached_by_date <= coalesce(gone_by_date, reached_by_date)
                then 'event'
                when gone_by_date <= watched_until_date
                then 'gone'
                else 'waiting'
            end as ending
        from told
    ),

    bounded as (
        select
            *,
            case
                ending
                when 'event'
                then greatest(reached_after_date, entered_date)
                when 'gone'
                then greatest(gone_after_date, entered_date)
                else watched_until_date
            end as after_date,
            case
                ending when 'event' then reached_by_date when 'gone' then gone_by_date
            end as by_date
        from ended
    )

select
    property_key,
    page_key,
    topic,
    engine,
    milestone,
    start_after_date,
    start_by_date,
    entered_date,
    after_date,
    by_date,
    ending,
    -- In days of the clock, day 0 the first on which the page was met; a start that lies in several
    -- days makes the end as doubtful.
    case
        when start_by_date > watched_from_date then -1 else entered_date - start_by_date
    end as entered_day,
    greatest(
        after_date - start_by_date,
        case when start_by_date > watched_from_date then -1 else entered_date - start_by_date end
    ) as after_day,
    by_date - start_after_date - 1 as by_day
from bounded
where
    case
        when ending = 'waiting'
        then after_date > entered_date
        else by_date > greatest(after_date, entered_date)
    end
