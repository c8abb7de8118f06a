with
    affected as (select * from {{ ref('int_link__list_affected_cells') }}),

    span as (
        select property_key, min(event_date) as first_date, max(event_date) as last_date
        from affected
        group by property_key
    ),

    series as (select * from {{ ref('int_link__list_series') }}),

    -- Every series has a total on the last day. One that had not been checked by the eve of a
    -- date has no base.
    begins as materialized(
        select
            series.property_key,
            series.series_key,
            {%- for name, order in [('first_day', 'asc'), ('last_day', 'desc')] %}
                (
                    select distinct on (totals.property_key) totals.day
                    from {{ ref('int_link__sum_positions') }} as totals
                    where
                        totals.property_key = series.property_key
                        and totals.series_key = series.series_key
                    order by totals.property_key, totals.day {{ order }}
                ) as {{ name }}{{ ',' if not loop.last }}
            {%- endfor %}
        from series
    ),

    versions as (select * from {{ ref('int_page__version_pages') }}),

    first_versions as (
        select property_key, url_key, min(valid_from_date) as valid_from_date
        from versions
        group by property_key, url_key
    ),

    topics as (select property_key, page_key, topic from {{ ref('dim_page') }}),

    tracked as (
        select property_key, keyword_key, page_key
        from {{ ref('int_serp__state_keywords') }}
        where page_key is not null
    ),

    -- Where each configured page led over time: until its first version a URL is its own page.
    configured_stays as (
        select
            tracked.property_key,
            tracked.keyword_key,
            tracked.page_key,
            date '-infinity' as from_date,
            coalesce(first_versions.valid_from_date, 'infinity') as to_date
        from tracked
        left join
            first_versions
            on first_versions.property_key = tracked.property_key
            and first_versions.url_key = tracked.page_key
        union all
        select
            tracked.property_key,
            tracked.keyword_key,
            versions.page_key,
            versions.valid_from_date,
            versions.valid_to_date
        from tracked
        inner join
            versions
            on versions.property_key = tracked.property_key
            and versions.url_key = tracked.page_key
    ),

    configured as (
        select
            stays.property_key, affected.event_date, series.series_key, stays.page_key, topics.topic
        from configured_stays as stays
        inner join
            topics on topics.property_key = stays.property_key and topics.page_key = stays.page_key
        inner join
            affected
            on affected.property_key = stays.property_key
            and affected.topic = topics.topic
            and affected.event_date >= stays.from_date
            and affected.event_date < stays.to_date
        inner join
            series
            on series.property_key = stays.property_key
            and series.keyword_key = stays.keyword_key
    ),

    -- With the days to look at, so that checks are read once, and only where they are asked for.
    unconfigured as materialized(
        select series.*, span.first_date - 28 as first_day, span.last_date - 1 as last_day
        from series
        inner join span on span.property_key = series.property_key
        left join
            tracked
            on tracked.property_key = series.property_key
            and tracked.keyword_key = series.keyword_key
        where tracked.page_key is null
    ),

    ranked as (
        select
            rank_check.property_key,
            unconfigured.series_key,
            rank_check.day,
            rank_check.ranking_page_key as page_key
        from {{ ref('fct_serp_position') }} as rank_check
        inner join
            unconfigured
            on unconfigured.property_key = rank_check.property_key
            and unconfigured.keyword_key = rank_check.keyword_key
            and unconfigured.engine = rank_check.engine
            and unconfigured.locale = rank_check.locale
            and unconfigured.device = rank_check.device
            and rank_check.day between unconfigured.first_day and unconfigured.last_day
        where rank_check.state = 'found'
    ),

    candidates as (select distinct property_key, series_key, page_key from ranked),

    -- Dates at which a series may have a page of the topic.
    series_dates as (
        select distinct candidates.property_key, candidates.series_key, affected.event_date
        from candidates
        left join
            versions
            on versions.property_key = candidates.property_key
            and versions.url_key = candidates.page_key
        inner join
            topics
            on topics.property_key = candidates.property_key
            and topics.page_key in (candidates.page_key, versions.page_key)
        inner join
            affected
            on affected.property_key = topics.property_key
            and affected.topic = topics.topic
    ),

    -- Nights on which a page ranked and dates at which to look back, in one line.
    line as (
        select property_key, series_key, page_key, day, 1 as ranked_count, false as is_event_date
        from ranked
        union all
        select
            series_dates.property_key,
            series_dates.series_key,
            candidates.page_key,
            series_dates.event_date,
            0,
            true
        from series_dates
        inner join
            candidates
            on candidates.property_key = series_dates.property_key
            and candidates.series_key = series_dates.series_key
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
        window page_days as (partition by property_key, series_key, page_key order by day)
    ),

    -- A page that has moved meanwhile counts as what it is at the event's date.
    placed as (
        select
            counted.property_key,
            counted.day as event_date,
            counted.series_key,
            {{ page_as_of('counted', 'page_key') }} as led_to_page_key,
            sum(counted.day_count) as day_count,
            max(counted.last_day) as last_day
        from counted {{ join_page_version('counted', 'page_key', 'counted.day') }}
        where counted.is_event_date and counted.day_count > 0
        group by counted.property_key, counted.day, counted.series_key, led_to_page_key
    ),

    -- Without a configured page: the one that ranked on most of the 28 days before, of equals the
    -- later, then the lower key.
    modal as (
        select distinct
            on (property_key, event_date, series_key)
            property_key,
            event_date,
            series_key,
            led_to_page_key as page_key
        from placed
        order by
            property_key, event_date, series_key, day_count desc, last_day desc, led_to_page_key
    ),

    frozen as (
        select *
        from configured
        union all
        select modal.property_key, modal.event_date, modal.series_key, modal.page_key, topics.topic
        from modal
        inner join
            topics on topics.property_key = modal.property_key and topics.page_key = modal.page_key
        inner join
            affected
            on affected.property_key = modal.property_key
            and affected.event_date = modal.event_date
            and affected.topic = topics.topic
    )

select
    frozen.property_key,
    frozen.event_date,
    frozen.series_key,
    series.keyword_key,
    series.engine,
    series.locale,
    series.device,
    frozen.page_key,
    frozen.topic
from frozen
inner join
    begins
    on begins.property_key = frozen.property_key
    and begins.series_key = frozen.series_key
    and begins.first_day < frozen.event_date
    and begins.last_day >= frozen.event_date - 1
inner join
    series on series.property_key = frozen.property_key and series.series_key = frozen.series_key
