with
    looks as (
        select * from {{ ref('fct_index_look') }} where state is not null and url_key = page_key
    ),

    -- What proves that a page is in the index stands before what the engine says of its last
    -- crawl; of two that agree the inspection tells more.
    days as (
        select distinct on (property_key, page_key, engine, day) *
        from looks
        order by
            property_key,
            page_key,
            engine,
            day,
            (state = 'indexed') desc,
            (witness = 'inspection') desc,
            witness
    ),

    -- Proofs give no reason, so that among pages in the index it draws no line.
    followed as (
        select
            *,
            lag(day) over pages as previous_day,
            (state is distinct from lag(state) over pages)
            or (state <> 'indexed' and reason is distinct from lag(reason) over pages) as is_changed
        from days
        window pages as (partition by property_key, page_key, engine order by day)
    ),

    numbered as (
        select
            *,
            count(*) filter (where is_changed) over (
                partition by property_key, page_key, engine order by day
            ) as stay_no
        from followed
    ),

    stays as (
        select
            property_key,
            page_key,
            engine,
            stay_no,
            min(day) as valid_from_date,
            max(day) as last_look_date,
            count(*)::integer as look_count,
            min(state) as state,
            min(previous_day) filter (where is_changed) as previous_look_date,
            {%- for column in ['reason', 'canonical_url_key', 'declared_canonical_url_key'] %}
                (
                    array_agg({{ column }} order by day desc) filter (
                        where
                            {{ column if column == 'reason' else 'canonical_url_key' }} is not null
                    )
                )[1] as {{ column }}
                {{- ',' if not loop.last }}
            {%- endfor %}
        from numbered
        group by property_key, page_key, engine, stay_no
    )

select
    stays.property_key,
    stays.page_key,
    stays.engine,
    stays.valid_from_date,
    stays.state,
    stays.reason,
    stays.previous_look_date + 1 as earliest_from_date,
    stays.valid_from_date as latest_from_date,
    lead(stays.valid_from_date) over (
        partition by stays.property_key, stays.page_key, stays.engine order by stays.stay_no
    ) as to_date,
    stays.last_look_date,
    stays.look_count,
    {{ page_as_of('stays', 'canonical_url_key') }} as canonical_page_key,
    stays.canonical_url_key
    = coalesce(stays.declared_canonical_url_key, stays.page_key) as is_canonical_ours
from stays {{ join_page_version('stays', 'canonical_url_key', 'stays.last_look_date') }}
