with
    inspections as (
        select property_key, page_key, day, state
        from {{ ref('fct_index_look') }}
        where
            witness = 'inspection'
            and engine = {{ search_engine() }}
            and state is not null
            and url_key = page_key
    ),

    begun as (
        select property_key, page_key, valid_from_date as day, state
        from {{ ref('fct_index_state') }}
        where engine = {{ search_engine() }}
    ),

    -- Proofs that go on proving the same tell of pages that nobody would have asked about: of them
    -- the first is a look.
    looks as (
        select distinct on (property_key, page_key, day) *
        from
            (
                select *
                from inspections
                union all
                select *
                from begun
            ) as told
        order by property_key, page_key, day, (state = 'indexed') desc, state
    ),

    last_days as (select property_key, max(day) as last_day from looks group by property_key),

    gaps as (
        select
            looks.*,
            lead(looks.day) over pages as next_day,
            lead(looks.state) over pages as next_state
        from looks
        inner join
            last_days
            on last_days.property_key = looks.property_key
            and looks.day > last_days.last_day - {{ var('look_memory_days') | int }}
        window pages as (partition by looks.property_key, looks.page_key order by looks.day)
    ),

    events as (
        select property_key, page_key, event_date
        from {{ ref('fct_link_event') }}
        where event_type in ('acquired', 'restored') and event_date is not null
    ),

    described as (
        select
            gaps.property_key,
            gaps.page_key,
            gaps.day,
            gaps.state,
            gaps.next_day - gaps.day as page_days,
            (gaps.state = 'indexed') <> (gaps.next_state = 'indexed') as is_changed,
            publications.published_date,
            bool_or(events.event_date is not null) as is_linked
        from gaps
        left join
            {{ ref('int_page__date_publications') }} as publications
            on publications.property_key = gaps.property_key
            and publications.page_key = gaps.page_key
        left join
            events
            on events.property_key = gaps.property_key
            and events.page_key = gaps.page_key
            and gaps.day - events.event_date between 0 and {{ var('fresh_link_days') | int }}
        where gaps.next_day is not null
        group by
            gaps.property_key,
            gaps.page_key,
            gaps.day,
            gaps.state,
            gaps.next_day,
            gaps.next_state,
            publications.published_date
    ),

    sorted as (
        select
            *,
            {{ index_stratum(
                'state', "coalesce(day - published_date <= " ~ var('young_days') ~ ", false)", 'is_linked', 'true'
            ) }}
            as stratum
        from described
    )

select
    property_key,
    stratum,
    sum(page_days)::integer as page_days,
    count(*) filter (where is_changed)::integer as change_count
from sorted
group by property_key, stratum
