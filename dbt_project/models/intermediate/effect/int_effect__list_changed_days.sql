{{ config(materialized='table') }}

with
{% if is_rank_change_partial() -%}
        publications as (
            select
                publication.property_key,
                {{ kind_of('publication') }} as kind,
                publication.day,
                publication.publication_id in (
                    select claimed.publication_id
                    from {{ source('ops', 'build_day') }} as claimed
                    where claimed.build_id = {{ var('build_id') | int }}
                ) as is_claimed
            from {{ source('ops', 'publication') }} as publication
        ),

        -- A day is retold where its kind was told before of it or of a later one.
        told as (
            select distinct
                property_key,
                kind,
                day,
                is_claimed,
                coalesce(
                    day <= max(day) filter (where not is_claimed) over (
                        partition by property_key, kind
                    ),
                    false
                ) as is_retold
            from publications
        ),

        claimed as (select * from told where is_claimed),

        changed_horizons as (
            {{ changed_rows(ref('int_effect__list_horizons'), 'modelled_horizon') }}
        ),

        changed_updates as ({{ changed_rows(ref('int_effect__list_updates'), 'modelled_update') }})

    select claimed.property_key, reached.kind, claimed.day as first_day, claimed.day as last_day
    from claimed
    inner join
        (
            values
                ('checks', 'value'),
                ('checks', 'check'),
                ('results', 'value'),
                ('results', 'check'),
                ('searches', 'value'),
                ('page_searches', 'value'),
                ('crawls', 'crawls'),
                ('crawls', 'retold_crawl'),
                ('page_changes', 'page_changes'),
                ('page_changes', 'retold_change')
        ) as reached(claimed_kind, kind)
        on reached.claimed_kind = claimed.kind
    where claimed.is_retold or reached.kind not like 'retold%'
    union
    -- Pages of keywords, and topics, hold at every date.
    select property_key, 'date', '-infinity', 'infinity'
    from claimed
    where kind in ('keywords', 'pages')
    union
    -- Who is left out is made anew whole.
    select build_day.property_key, 'date', '-infinity', 'infinity'
    from {{ source('ops', 'build_day') }} as build_day
    where build_day.build_id = {{ var('build_id') | int }} and build_day.is_hidden
    union
    select moved.property_key, reached.kind, moved.day as first_day, moved.day as last_day
    from {{ ref('int_page__list_moved_days') }} as moved
    cross join (values ('value'), ('moved')) as reached(kind)
    union
    -- What lies between until when it was known and until when it is.
    select
        property_key,
        'known',
        case when count(*) = 1 then '-infinity' else min(last_day) + 1 end,
        max(last_day)
    from changed_horizons
    group by property_key, kind
    union
    select properties.property_key, 'update', updates.begins_on, updates.ends_on
    from changed_updates as updates
    cross join {{ ref('dim_property') }} as properties
{%- else -%}
        nothing as (
            select
                null::integer as property_key,
                null::text as kind,
                null::date as first_day,
                null::date as last_day
        )

    select *
    from nothing
    where false
{%- endif %}
