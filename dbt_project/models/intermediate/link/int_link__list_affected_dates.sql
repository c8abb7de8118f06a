-- depends_on: {{ ref('dim_google_update') }}
-- depends_on: {{ ref('int_page__list_moved_days') }}
{{ config(materialized='table', indexes=[{'columns': ['property_key', 'event_date'], 'unique': True}]) }}

{%- set is_partial = is_rank_change_partial() %}

with
    events as (
        select
            property_key,
            event_key,
            event_date,
            event_type,
            page_key,
            source_domain_key,
            is_followed,
            is_uncertain_date
        from {{ ref('fct_link_event') }}
        where event_type in ('acquired', 'lost', 'restored')
    ),

{% if is_partial -%}
        kept as (select * from intermediate.int_link__keep_events),

        changed_updates as (
            (
                select google_update_key, begins_on, coalesce(ends_on, 'infinity') as ends_on
                from {{ ref('dim_google_update') }}
                where is_confounder
                except
                select google_update_key, begins_on, ends_on
                from intermediate.int_link__keep_updates
            )
            union
            (
                select google_update_key, begins_on, ends_on
                from intermediate.int_link__keep_updates
                except
                select google_update_key, begins_on, coalesce(ends_on, 'infinity') as ends_on
                from {{ ref('dim_google_update') }}
                where is_confounder
            )
        ),

        changed_events as (
            (
                select *
                from events
                except
                select *
                from kept
            )
            union
            (
                select *
                from kept
                except
                select *
                from events
            )
        ),

        published_days as (
            select distinct property_key, 'dataforseo_serp' as source, day
            from {{ source('ops', 'publication') }} as publication
            where is_current and {{ is_of_checks('publication') }}
            union
            select distinct property_key, 'site_crawl', day
            from {{ source('ops', 'publication') }}
            where
                is_current
                and (
                    (source = 'site_crawl' and table_name = 'page')
                    or (source = 'exports' and table_name in ('crawl_page', 'page_change'))
                )
            union
            select property_key, 'dataforseo_backlinks', day
            from {{ ref('int_link__judge_looks') }}
            where is_complete_look
        ),

        claimed_days as (
            select distinct
                property_key,
                case
                    when table_name = 'ranking'
                    then 'dataforseo_serp'
                    when table_name in ('crawl_page', 'page_change')
                    then 'site_crawl'
                    else source
                end as source,
                day
            from {{ source('ops', 'build_day') }}
            where
                build_id = {{ var('build_id') | int }}
                and (
                    source in ('dataforseo_serp', 'site_crawl', 'dataforseo_backlinks')
                    or (
                        source = 'exports'
                        and table_name in ('ranking', 'crawl_page', 'page_change')
                    )
                )
        ),

        -- Until when something is known is part of the answer: a day changes what is known back
        -- to the one before it and on
        -- to the one after it.
        known_spans as (
            select
                claimed_days.property_key,
                claimed_days.source,
                claimed_days.day,
                max(published_days.day) filter (
                    where published_days.day < claimed_days.day
                ) as day_before,
                min(published_days.day) filter (
                    where published_days.day > claimed_days.day
                ) as day_after
            from claimed_days
            left join
                published_days
                on published_days.property_key = claimed_days.property_key
                and published_days.source = claimed_days.source
            group by claimed_days.property_key, claimed_days.source, claimed_days.day
        ),

        -- Windows end 90 days after an event, isolation looks 56 days back; a crawl is compared
        -- with one up to 63 days away.
        reaches as (
            select
                property_key,
                coalesce(day_before + 1, day)
                - case when source = 'site_crawl' then 160 else 90 end as first_date,
                coalesce(day_after - 1, day)
                + case when source = 'site_crawl' then 80 else 59 end as last_date
            from known_spans
            union
            select property_key, event_date - 90, event_date + 56
            from changed_events
            -- Pages of keywords, and topics, hold at every date.
            union
            select property_key, '-infinity', 'infinity'
            from {{ source('ops', 'build_day') }}
            where
                build_id = {{ var('build_id') | int }}
                and source = 'exports'
                and table_name in ('keyword', 'page')
            -- A page that moved is looked for among the pages that ranked 28 days before.
            union
            select property_key, day, day + 28
            from {{ ref('int_page__list_moved_days') }}
        ),

        candidates as (
            select property_key, event_date
            from events
            union
            select property_key, event_date
            from kept
        )

    select distinct candidates.property_key, candidates.event_date
    from candidates
    inner join
        reaches
        on reaches.property_key = candidates.property_key
        and candidates.event_date between reaches.first_date and reaches.last_date
    -- An update is flagged from windows that end 90 days after an event to ones that begin 56
    -- days before it.
    union
    select candidates.property_key, candidates.event_date
    from candidates
    inner join
        changed_updates
        on candidates.event_date
        between changed_updates.begins_on - 90 and changed_updates.ends_on + 56
{%- else -%}
        candidates as (select distinct property_key, event_date from events)

    select *
    from candidates
{%- endif %}
