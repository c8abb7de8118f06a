-- depends_on: {{ ref('dim_google_update') }}
-- depends_on: {{ ref('dim_page') }}
-- depends_on: {{ ref('dim_property') }}
-- depends_on: {{ ref('fct_page_change') }}
-- depends_on: {{ ref('fct_page_crawl') }}
-- depends_on: {{ ref('int_effect__list_samples') }}
-- depends_on: {{ ref('int_link__judge_looks') }}
-- depends_on: {{ ref('int_link__place_changes') }}
-- depends_on: {{ ref('int_page__list_moved_days') }}
-- depends_on: {{ ref('link_windows') }}
{{
    config(
        materialized='table',
        indexes=[{'columns': ['property_key', 'event_date', 'topic'], 'unique': True}],
    )
}}

{%- set is_partial = is_rank_change_partial() %}

with
    events as (
        select property_key, topic, event_date
        from {{ ref('int_link__judge_events') }}
        where topic is not null
    ),

{% if is_partial -%}
        windows as (select * from {{ ref('link_windows') }}),

        horizons as (select distinct horizon_day from {{ ref('int_effect__list_samples') }}),

        pages as (select property_key, page_key, topic from {{ ref('dim_page') }}),

        -- What the link events and the changes of pages' links were, and are.
        {%- for name, new, kept, columns in [
            ('events', 'int_link__judge_events', 'int_link__keep_events',
             'property_key, event_key, event_date, page_key, topic, arm, is_event, is_uncertain_date, is_history_short'),
            ('changes', 'int_link__place_changes', 'int_link__keep_changes', '*'),
        ] %}
            changed_{{ name }} as (
                (
                    select {{ columns }}
                    from {{ ref(new) }}
                    except
                    select {{ columns }}
                    from intermediate.{{ kept }}
                )
                union
                (
                    select {{ columns }}
                    from intermediate.{{ kept }}
                    except
                    select {{ columns }}
                    from {{ ref(new) }}
                )
            ),
        {%- endfor %}

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

        publications as (
            select
                property_key,
                day,
                is_current,
                case
                    when {{ is_of_checks('publication') }}
                    then 'checks'
                    when
                        (source = 'search_console' and table_name = 'page_total')
                        or (source = 'exports' and table_name = 'performance')
                    then 'searches'
                    when
                        (source = 'site_crawl' and table_name = 'page')
                        or (source = 'exports' and table_name = 'crawl_page')
                    then 'crawls'
                    when source = 'exports' and table_name = 'page_change'
                    then 'page changes'
                    when source = 'dataforseo_backlinks' and table_name = 'backlink'
                    then 'looks'
                end as kind,
                publication_id in (
                    select publication_id
                    from {{ source('ops', 'build_day') }}
                    where build_id = {{ var('build_id') | int }}
                ) as is_claimed
            from {{ source('ops', 'publication') }} as publication
        ),

        known_days as (
            select distinct property_key, kind, day
            from publications
            where is_current and kind in ('checks', 'searches', 'crawls')
            union
            select property_key, 'looks' as kind, day
            from {{ ref('int_link__judge_looks') }}
            where is_complete_look
        ),

        claimed_days as (
            select property_key, kind, day, bool_or(not is_claimed) as is_restated
            from publications
            where kind is not null
            group by property_key, kind, day
            having bool_or(is_claimed)
            -- The result pages of a night of checks are a publication of their own.
            union
            select property_key, 'checks' as kind, day, true as is_restated
            from {{ source('ops', 'build_day') }}
            where
                build_id = {{ var('build_id') | int }}
                and source = 'dataforseo_serp'
                and table_name = 'result'
            -- Where pages moved, their searches are added up anew.
            union
            select property_key, 'searches' as kind, day, true as is_restated
            from {{ ref('int_page__list_moved_days') }}
        ),

        -- Until when something is known is part of the answer: a day tells of those since the
        -- one before it.
        spans as (
            select
                claimed_days.property_key,
                claimed_days.kind,
                claimed_days.day,
                claimed_days.is_restated,
                coalesce(
                    max(known_days.day) filter (where known_days.day < claimed_days.day) + 1,
                    claimed_days.day
                ) as first_day,
                min(known_days.day) filter (where known_days.day > claimed_days.day) as day_after,
                max(known_days.day) as last_day
            from claimed_days
            left join
                known_days
                on known_days.property_key = claimed_days.property_key
                and known_days.kind = claimed_days.kind
            group by
                claimed_days.property_key,
                claimed_days.kind,
                claimed_days.day,
                claimed_days.is_restated
        ),

        crawled_pages as (
            select
                crawl.property_key,
                pages.topic,
                crawl.day,
                crawl.is_onpage_changed,
                least(crawl.previous_content_day, crawl.previous_answer_day) as since_day,
                spans.first_day
            from {{ ref('fct_page_crawl') }} as crawl
            inner join
                spans
                on spans.property_key = crawl.property_key
                and spans.kind = 'crawls'
                and spans.day = crawl.day
            inner join
                pages on pages.property_key = crawl.property_key and pages.page_key = crawl.page_key
            where crawl.is_onpage_changed is not null
        ),

        reaches as (
            -- A day of checks or searches is in the windows that contain it, or a day on which
            -- its value is carried on, once they have ended.
            select
                spans.property_key,
                null::text as topic,
                spans.first_day - windows.end_day as first_date,
                least(
                    spans.day + 3 - windows.begin_day, spans.last_day - windows.end_day
                ) as last_date
            from spans
            cross join windows
            where spans.kind in ('checks', 'searches')
            -- How far apart checks are, and which page ranks, is read from the weeks before.
            union all
            select property_key, null, day + 1, coalesce(day_after, day) + 57
            from spans
            where kind = 'checks'
            -- Links are known, and crawls compared, until the last look; only then is a unit
            -- undisturbed to its horizon.
            union all
            select
                spans.property_key,
                null,
                spans.first_day - horizons.horizon_day,
                spans.day - horizons.horizon_day
            from spans
            cross join horizons
            where spans.kind in ('looks', 'crawls')
            union all
            select property_key, null, first_day + 13, day + 14
            from spans
            where kind = 'crawls'
            -- What a new crawl, or people, say of a page concerns its topic.
            union all
            select property_key, topic, since_day - 90, day + 14
            from crawled_pages
            where is_onpage_changed
            union all
            select
                crawled_pages.property_key,
                crawled_pages.topic,
                crawled_pages.since_day + 1 - horizons.horizon_day,
                crawled_pages.day - horizons.horizon_day
            from crawled_pages
            cross join horizons
            where crawled_pages.since_day + 1 < crawled_pages.first_day
            union all
            select property_key, topic, since_day + 14, day + 14
            from crawled_pages
            where since_day + 1 < first_day
            union all
            select page_change.property_key, pages.topic, page_change.day - 90, page_change.day + 14
            from {{ ref('fct_page_change') }} as page_change
            inner join
                spans
                on spans.property_key = page_change.property_key
                and spans.kind = 'page changes'
                and spans.day = page_change.day
            inner join
                pages
                on pages.property_key = page_change.property_key
                and pages.page_key = page_change.page_key
            -- What one that is told anew, or late, said before is not known: it concerns all. A
            -- crawl is compared with one up to 63 days away.
            union all
            select property_key, null, first_day - 160, coalesce(day_after - 1, day) + 80
            from spans
            where kind in ('crawls', 'page changes') and (is_restated or day_after is not null)
            union all
            select property_key, topic, event_date as first_date, event_date as last_date
            from changed_events
            union all
            select property_key, topic, change_date - 90, change_date + 56
            from changed_changes
            -- Pages of keywords, and topics, hold at every date.
            union all
            select property_key, null, '-infinity', 'infinity'
            from {{ source('ops', 'build_day') }}
            where
                build_id = {{ var('build_id') | int }}
                and source = 'exports'
                and table_name in ('keyword', 'page')
            -- A page that moved is looked for among the pages that ranked 28 days before.
            union all
            select property_key, null, day, day + 28
            from {{ ref('int_page__list_moved_days') }}
            -- An update is flagged from windows that end 90 days after an event to ones that
            -- begin 56 days before it.
            union all
            select
                properties.property_key,
                null,
                changed_updates.begins_on - 90,
                changed_updates.ends_on + 56
            from changed_updates
            cross join {{ ref('dim_property') }} as properties
        ),

        merged as (
            select property_key, topic, range_agg(daterange(first_date, last_date, '[]')) as dates
            from reaches
            where first_date <= last_date
            group by property_key, topic
        ),

        candidates as (
            select property_key, topic, event_date
            from events
            union
            select property_key, topic, event_date
            from intermediate.int_link__keep_events
            where topic is not null
        )

    select distinct candidates.property_key, candidates.topic, candidates.event_date
    from candidates
    inner join
        merged
        on merged.property_key = candidates.property_key
        and coalesce(merged.topic = candidates.topic, true)
    where merged.dates @> candidates.event_date
{%- else -%}
        candidates as (select distinct property_key, topic, event_date from events)

    select *
    from candidates
{%- endif %}
