{{
    config(
        materialized='table',
        indexes=[{'columns': ['property_key', 'event_date', 'topic'], 'unique': True}],
    )
}}

{%- set is_partial = is_rank_change_partial() %}

with
    events as (
        select property_key, topic, event_date, page_key
        from {{ ref('int_link__judge_events') }}
        where topic is not null
    ),

    samples as (select * from {{ ref('int_effect__list_samples') }}),

{% if is_partial -%}
        windows as (select * from {{ ref('link_windows') }}),

        pages as (select property_key, page_key, topic from {{ ref('dim_page') }}),

        -- What the link events and the changes of pages' links were, and are.
        {%- for name, new, kept, columns in [
            ('events', 'int_link__judge_events', 'modelled_event',
             'property_key, event_key, event_date, page_key, topic, arm, is_event, is_uncertain_date, is_history_short'),
            ('changes', 'int_link__place_changes', 'modelled_change', '*'),
        ] %}
            changed_{{ name }} as (
                (
                    select {{ columns }}
                    from {{ ref(new) }}
                    except
                    select {{ columns }}
                    from {{ source('ops', kept) }}
                )
                union
                (
                    select {{ columns }}
                    from {{ source('ops', kept) }}
                    except
                    select {{ columns }}
                    from {{ ref(new) }}
                )
            ),
        {%- endfor %}

        changed_updates as (
            (
                select *
                from {{ ref('int_effect__list_updates') }}
                except
                select *
                from {{ source('ops', 'modelled_update') }}
            )
            union
            (
                select *
                from {{ source('ops', 'modelled_update') }}
                except
                select *
                from {{ ref('int_effect__list_updates') }}
            )
        ),

        publications as (
            select
                property_key,
                day,
                is_current,
                case
                    when {{ is_of_kind('publication', ['checks']) }}
                    then 'checks'
                    when {{ is_of_kind('publication', ['searches', 'page_searches']) }}
                    then 'searches'
                    when {{ is_of_kind('publication', ['crawls']) }}
                    then 'crawls'
                    when {{ is_of_kind('publication', ['page_changes']) }}
                    then 'page changes'
                    -- An export never says that it is whole.
                    when {{ is_of_kind('publication', ['links'], is_export=false) }}
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
            from {{ source('ops', 'build_day') }} as build_day
            where
                build_id = {{ var('build_id') | int }}
                and {{ is_of_kind('build_day', ['results']) }}
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
                crawl.page_key,
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

        -- What happened to pages, and how long after it an event of the topic is another one.
        touched_pages as (
            select
                property_key,
                page_key,
                topic,
                change_date as first_day,
                change_date as last_day,
                56 as memory_days
            from changed_changes
            union all
            select property_key, page_key, topic, since_day, day, 14
            from crawled_pages
            where is_onpage_changed
            union all
            select
                page_change.property_key,
                page_change.page_key,
                pages.topic,
                page_change.day as first_day,
                page_change.day as last_day,
                14 as memory_days
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
        ),

        -- A unit is compared once what is known reaches its horizon.
        known_until as (
            select property_key, max(day) as last_day from publications group by property_key
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
                ) as last_date,
                -- The week before is in all of them.
                samples.sample_no
            from spans
            cross join windows
            left join samples on samples.window_name = windows.window_name
            where spans.kind in ('checks', 'searches')
            -- How far apart checks are, and which page ranks, is read from the weeks before.
            union all
            select property_key, null, day + 1, coalesce(day_after, day) + 57, null
            from spans
            where kind = 'checks'
            union all
            -- Checks, searches, links and crawls are known until the last of them; only then is a
            -- unit compared, undisturbed to its horizon.
            select
                spans.property_key,
                null,
                spans.first_day - samples.horizon_day,
                spans.day - samples.horizon_day,
                samples.sample_no
            from spans
            cross join samples
            where spans.kind in ('checks', 'searches', 'looks', 'crawls')
            union all
            select property_key, null, first_day + 13, day + 14, null
            from spans
            where kind = 'crawls'
            -- What happened to a page concerns its topic, where units are compared, and its own
            -- links.
            union all
            select
                touched_pages.property_key,
                touched_pages.topic,
                touched_pages.first_day - samples.horizon_day,
                least(
                    touched_pages.last_day + touched_pages.memory_days,
                    known_until.last_day - samples.horizon_day
                ),
                samples.sample_no
            from touched_pages
            cross join samples
            inner join known_until on known_until.property_key = touched_pages.property_key
            union all
            select
                events.property_key,
                events.topic,
                events.event_date as first_date,
                events.event_date as last_date,
                null as sample_no
            from touched_pages
            inner join
                events
                on events.property_key = touched_pages.property_key
                and events.page_key = touched_pages.page_key
            where
                events.event_date
                between touched_pages.first_day
                - (select max(horizon_day) from samples) and touched_pages.last_day
                + touched_pages.memory_days
            union all
            select
                crawled_pages.property_key,
                crawled_pages.topic,
                crawled_pages.since_day + 1 - samples.horizon_day,
                crawled_pages.day - samples.horizon_day,
                samples.sample_no
            from crawled_pages
            cross join samples
            where crawled_pages.since_day + 1 < crawled_pages.first_day
            union all
            select property_key, topic, since_day + 14, day + 14, null
            from crawled_pages
            where since_day + 1 < first_day
            -- What one that is told anew, or late, said before is not known: it concerns all. A
            -- crawl is compared with one up to 63 days away.
            union all
            select property_key, null, first_day - 160, coalesce(day_after - 1, day) + 80, null
            from spans
            where kind in ('crawls', 'page changes') and (is_restated or day_after is not null)
            union all
            select
                property_key,
                topic,
                event_date as first_date,
                event_date as last_date,
                null as sample_no
            from changed_events
            -- Pages of keywords, and topics, hold at every date; who is left out is made anew whole.
            union all
            select property_key, null, '-infinity', 'infinity', null
            from {{ source('ops', 'build_day') }} as build_day
            where
                build_id = {{ var('build_id') | int }}
                and (is_hidden or {{ is_of_kind('build_day', ['keywords', 'pages']) }})
            -- A page that moved is looked for among the pages that ranked 28 days before.
            union all
            select property_key, null, day, day + 28, null
            from {{ ref('int_page__list_moved_days') }}
            -- An update is flagged from windows that end 90 days after an event to ones that
            -- begin 56 days before it.
            union all
            select
                properties.property_key,
                null,
                changed_updates.begins_on - 90,
                changed_updates.ends_on + 56,
                null
            from changed_updates
            cross join {{ ref('dim_property') }} as properties
        ),

        merged as (
            select
                reaches.property_key,
                reaches.topic,
                samples.sample_no,
                range_agg(daterange(reaches.first_date, reaches.last_date, '[]')) as dates
            from reaches
            inner join samples on coalesce(reaches.sample_no = samples.sample_no, true)
            where reaches.first_date <= reaches.last_date
            group by reaches.property_key, reaches.topic, samples.sample_no
        ),

        candidates as (
            select property_key, topic, event_date
            from events
            union
            select property_key, topic, event_date
            from {{ source('ops', 'modelled_event') }}
            where topic is not null
        ),

        met as (
            select
                candidates.property_key, candidates.topic, candidates.event_date, merged.sample_no
            from candidates
            inner join merged on merged.property_key = candidates.property_key
            where merged.topic is null and merged.dates @> candidates.event_date
            union
            select
                candidates.property_key, candidates.topic, candidates.event_date, merged.sample_no
            from candidates
            inner join
                merged
                on merged.property_key = candidates.property_key
                and merged.topic = candidates.topic
            where merged.dates @> candidates.event_date
        )

    select property_key, topic, event_date, array_agg(sample_no) as sample_nos
    from met
    group by property_key, topic, event_date
{%- else -%}
        candidates as (select distinct property_key, topic, event_date from events)

    select
        property_key,
        topic,
        event_date,
        (select array_agg(samples.sample_no) from samples) as sample_nos
    from candidates
{%- endif %}
