{{ config(materialized='table', indexes=[{'columns': ['property_key', 'event_date', 'page_key']}]) }}

with
    affected as (select * from {{ ref('int_link__list_affected_dates') }}),

    totals as (select * from {{ ref('int_link__sum_positions') }}),

    last_days as (select property_key, max(day) as last_day from totals group by property_key),

    -- Every series has a total on the last day. One that had not been checked by the eve of the
    -- date has no base.
    series as (
        select
            affected.property_key,
            affected.event_date,
            totals.keyword_key,
            totals.engine,
            totals.locale,
            totals.device
        from affected
        inner join
            last_days
            on last_days.property_key = affected.property_key
            and last_days.last_day >= affected.event_date - 1
        inner join
            totals
            on totals.property_key = last_days.property_key
            and totals.day = last_days.last_day
            and totals.first_day < affected.event_date
    ),

    tracked as (
        select property_key, keyword_key, page_key
        from {{ ref('int_serp__state_keywords') }}
        where page_key is not null
    ),

    configured as (
        select distinct
            affected.property_key,
            affected.event_date,
            tracked.keyword_key,
            {{ page_as_of('tracked', 'page_key') }} as page_key
        from affected
        inner join
            tracked on tracked.property_key = affected.property_key
            {{ join_page_version('tracked', 'page_key', 'affected.event_date') }}
    ),

    ranked as (
        select rank_check.*
        from {{ ref('fct_serp_position') }} as rank_check
        left join
            tracked
            on tracked.property_key = rank_check.property_key
            and tracked.keyword_key = rank_check.keyword_key
        where tracked.page_key is null and rank_check.state = 'found'
    ),

    candidates as (
        select distinct property_key, keyword_key, engine, locale, device, ranking_page_key
        from ranked
    ),

    -- Nights on which a page ranked and dates at which to look back, in one line.
    line as (
        select
            property_key,
            keyword_key,
            engine,
            locale,
            device,
            ranking_page_key as page_key,
            day,
            1 as ranked_count,
            false as is_event_date
        from ranked
        union all
        select
            series.property_key,
            series.keyword_key,
            series.engine,
            series.locale,
            series.device,
            candidates.ranking_page_key,
            series.event_date,
            0,
            true
        from series
        inner join
            candidates
            on candidates.property_key = series.property_key
            and candidates.keyword_key = series.keyword_key
            and candidates.engine = series.engine
            and candidates.locale = series.locale
            and candidates.device = series.device
    ),

    counted as (
        select
            *,
            sum(ranked_count) over (
                page_days range between interval '28 days' preceding and interval '1 day' preceding
            ) as day_count,
            max(day) filter (where not is_event_date) over (
                page_days range between unbounded preceding and interval '1 day' preceding
            ) as last_day
        from line
        window
            page_days as (
                partition by property_key, keyword_key, engine, locale, device, page_key
                order by day
            )
    ),

    -- A page that has moved meanwhile counts as what it is at the event's date.
    placed as (
        select
            counted.property_key,
            counted.day as event_date,
            counted.keyword_key,
            counted.engine,
            counted.locale,
            counted.device,
            {{ page_as_of('counted', 'page_key') }} as led_to_page_key,
            sum(counted.day_count) as day_count,
            max(counted.last_day) as last_day
        from counted {{ join_page_version('counted', 'page_key', 'counted.day') }}
        where counted.is_event_date and counted.day_count > 0
        group by
            counted.property_key,
            counted.day,
            counted.keyword_key,
            counted.engine,
            counted.locale,
            counted.device,
            led_to_page_key
    ),

    -- Without a configured page: the one that ranked on most of the 28 days before, of equals the
    -- later, then the lower key.
    modal as (
        select distinct
            on (property_key, event_date, keyword_key, engine, locale, device)
            property_key,
            event_date,
            keyword_key,
            engine,
            locale,
            device,
            led_to_page_key as page_key
        from placed
        order by
            property_key,
            event_date,
            keyword_key,
            engine,
            locale,
            device,
            day_count desc,
            last_day desc,
            led_to_page_key
    ),

    frozen as (
        select series.*, coalesce(configured.page_key, modal.page_key) as page_key
        from series
        left join
            configured
            on configured.property_key = series.property_key
            and configured.event_date = series.event_date
            and configured.keyword_key = series.keyword_key
        left join
            modal
            on modal.property_key = series.property_key
            and modal.event_date = series.event_date
            and modal.keyword_key = series.keyword_key
            and modal.engine = series.engine
            and modal.locale = series.locale
            and modal.device = series.device
    )

select
    frozen.property_key,
    frozen.event_date,
    frozen.keyword_key,
    frozen.engine,
    frozen.locale,
    frozen.device,
    frozen.page_key,
    pages.topic
from frozen
inner join
    {{ ref('dim_page') }} as pages
    on pages.property_key = frozen.property_key
    and pages.page_key = frozen.page_key
