{{ config(materialized='table', indexes=[{'columns': ['property_key', 'page_key']}]) }}

with
    spans as (select * from {{ ref('int_link__date_spans') }}),

    -- Of a return that nobody saw, and that is known by its loss alone, nothing ever lived.
    seen as (
        select *
        from spans
        where not coalesce(stay_no > 1 and start_date is null and lost_date <= begin_day, false)
    ),

    events as (
        select
            property_key,
            link_key,
            stay_no,
            witness,
            'begun' as event_type,
            case
                when stay_no > 1 then coalesce(start_date, begin_day) else start_date
            end as event_date,
            begin_day as observed_date,
            begin_rel_set as rel_set
        from seen
        where is_beginning
        union all
        select property_key, link_key, stay_no, witness, 'lost', lost_date, lost_observed_date, null
        from seen
        where is_ending
        union all
        select
            changes.property_key,
            changes.link_key,
            spans.stay_no,
            changes.witness,
            'rel_changed',
            changes.event_date,
            changes.observed_date,
            changes.rel_set
        from {{ ref('int_link__find_changes') }} as changes
        inner join
            spans
            on spans.property_key = changes.property_key
            and spans.link_key = changes.link_key
            and spans.witness = changes.witness
            and changes.observed_date between spans.begin_day and spans.last_live_day
        where changes.event_type = 'rel_changed'
    ),

    -- Of what several witnesses say of one date, the word that came last stands.
    followed as (
        select
            *,
            lead(event_date) over link_events as next_date,
            lead(event_type) over link_events as next_type
        from events
        window
            link_events as (
                partition by property_key, link_key
                order by
                    stay_no,
                    event_date nulls first,
                    array_position(array['begun', 'rel_changed', 'lost'], event_type),
                    observed_date,
                    witness,
                    rel_set
            )
    ),

    -- A link is live from its beginning to the day before its loss; with another rel it is live in
    -- another class.
    lives as (
        select
            followed.property_key,
            {{ linking_key('links') }} as linking_key,
            links.page_key as target_url_key,
            {{ rel_class('followed.rel_set') }} as rel_class,
            coalesce(followed.event_date, '-infinity') as begin_date,
            case
                when followed.next_type is null
                then 'infinity'
                else coalesce(followed.next_date, '-infinity')
            end as end_date
        from followed
        inner join
            {{ ref('int_link__describe_links') }} as links
            on links.property_key = followed.property_key
            and links.link_key = followed.link_key
        where followed.event_type <> 'lost' and links.page_key is not null
    ),

    versions as (select * from {{ ref('int_page__version_pages') }}),

    first_versions as (
        select property_key, url_key, min(valid_from_date) as valid_from_date
        from versions
        group by property_key, url_key
    ),

    -- Until its first version a URL is its own page, and without one for ever.
    placed as (
        select
            lives.*,
            lives.target_url_key as page_key,
            date '-infinity' as from_date,
            coalesce(first_versions.valid_from_date, 'infinity') as to_date
        from lives
        left join
            first_versions
            on first_versions.property_key = lives.property_key
            and first_versions.url_key = lives.target_url_key
        union all
        select lives.*, versions.page_key, versions.valid_from_date, versions.valid_to_date
        from lives
        inner join
            versions
            on versions.property_key = lives.property_key
            and versions.url_key = lives.target_url_key
    ),

    -- Lives that overlap or touch are one stay of the domain: what comes or goes within it
    -- changes nothing.
    compared as (
        select
            *,
            begin_date > max(end_date) over (
                partition by property_key, page_key, linking_key, rel_class, from_date, to_date
                order by begin_date, end_date
                rows between unbounded preceding and 1 preceding
            ) as is_apart
        from placed
        where begin_date < end_date
    ),

    numbered as (
        select
            *,
            count(*) filter (where is_apart) over (
                partition by property_key, page_key, linking_key, rel_class, from_date, to_date
                order by begin_date, end_date
            ) as stay_no
        from compared
    )

select
    property_key,
    page_key,
    linking_key,
    rel_class,
    from_date,
    to_date,
    min(begin_date) as begin_date,
    max(end_date) as end_date
from numbered
group by property_key, page_key, linking_key, rel_class, from_date, to_date, stay_no
