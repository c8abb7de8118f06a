{{ config(materialized='table', indexes=[{'columns': ['property_key', 'url_key', 'valid_from_date'], 'unique': True}]) }}

with
    targets as (select * from {{ ref('int_page__read_targets') }}),

    -- Only URLs that ever led elsewhere need versions: all others are themselves.
    moved as (select distinct property_key, url_key from targets where target_key <> url_key),

    compared as (
        select
            targets.*,
            lag(target_key) over days as previous_target_key,
            lag(reason) over days as previous_reason
        from targets
        inner join
            moved on moved.property_key = targets.property_key and moved.url_key = targets.url_key
        window days as (partition by targets.property_key, targets.url_key order by targets.day)
    ),

    changes as (
        select *, lead(day) over (partition by property_key, url_key order by day) as next_day
        from compared
        where
            target_key is distinct from previous_target_key
            or reason is distinct from previous_reason
    ),

    -- Where each URL leads in one step, for all time: before the first crawl that tells, to itself.
    steps_1 as (
        select
            property_key,
            url_key,
            url,
            target_key,
            target_url,
            reason,
            day as from_date,
            coalesce(next_day, 'infinity') as to_date
        from changes
        union all
        select
            property_key,
            url_key,
            min(url),
            url_key as target_key,
            min(url),
            'itself',
            '-infinity',
            min(day)
        from changes
        group by property_key, url_key
    ),

    -- Chains, by doubling: two steps, four, eight, sixteen.
    steps_2 as ({{ follow_steps('steps_1', 'steps_1') }}),
    steps_4 as ({{ follow_steps('steps_2', 'steps_2') }}),
    steps_8 as ({{ follow_steps('steps_4', 'steps_4') }}),
    steps_16 as ({{ follow_steps('steps_8', 'steps_8') }}),

    -- One step more leads nowhere else, or the chain is a loop (or longer than any that is
    -- followed): then the URL stays itself.
    last_steps as ({{ follow_steps('steps_16', 'steps_1', compare=true) }}),

    settled as (
        select
            property_key,
            url_key,
            url,
            case when is_settled then target_key else url_key end as page_key,
            case when is_settled then target_url else url end as page_url,
            case when is_settled and target_key <> url_key then reason else 'itself' end as reason,
            from_date,
            to_date
        from last_steps
        where from_date > '-infinity'
    ),

    numbered as (
        select
            *,
            (
                lag(page_key) over spans is distinct from page_key
                or lag(reason) over spans is distinct from reason
            )::integer as is_new
        from settled
        window spans as (partition by property_key, url_key order by from_date)
    ),

    versions as (
        select
            *,
            sum(is_new) over (partition by property_key, url_key order by from_date) as version_no
        from numbered
    )

select
    property_key,
    url_key,
    min(url) as url,
    page_key,
    min(page_url) as page_url,
    reason,
    min(from_date) as valid_from_date,
    max(to_date) as valid_to_date
from versions
group by property_key, url_key, version_no, page_key, reason
