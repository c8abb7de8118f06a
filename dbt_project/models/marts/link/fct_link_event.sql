{{
    config(
        materialized='table',
        indexes=[
            {'columns': ['property_key', 'page_key', 'event_date']},
            {'columns': ['property_key', 'link_key']},
        ],
    )
}}

with
    events as (
        select *, null::bigint as previous_link_key
        from {{ ref('int_link__derive_events') }}
        union all
        select
            property_key,
            link_key,
            'target_changed',
            event_date,
            earliest_date,
            date_uncertainty_days,
            observed_date,
            witness,
            null,
            rel_set,
            null,
            anchor,
            null,
            authority,
            previous_link_key
        from {{ ref('int_link__match_target_changes') }}
    ),

    links as (select * from {{ ref('int_link__describe_links') }}),

    first_sight_days as (select * from {{ ref('int_link__count_first_sights') }}),

    described as (
        select
            events.*,
            links.source_url,
            links.source_page_key,
            links.source_domain,
            links.source_domain_key,
            -- A page without a domain (an address) stands for itself.
            coalesce(links.source_domain_key, links.source_page_key) as linking_key,
            links.literal_target_url,
            links.page_key as target_url_key,
            {{ page_as_of('links', 'page_key', 'event_version') }} as page_key,
            {{ page_as_of('links', 'page_key', 'current_version') }} as current_page_key,
            events.event_type in ('present_at_start', 'acquired') as is_first_of_link,
            events.event_type = 'acquired'
            and coalesce(first_sight_days.is_index_change, false) as is_index_change
        from events
        inner join
            links on links.property_key = events.property_key and links.link_key = events.link_key
            {{ join_page_version(
            'links', 'page_key', 'coalesce(events.event_date, events.observed_date)', 'event_version'
        ) }}
            {{ join_page_version('links', 'page_key', "date '9999-12-31'", 'current_version') }}
        left join
            first_sight_days
            on first_sight_days.property_key = events.property_key
            and first_sight_days.witness = events.witness
            and first_sight_days.day = events.event_date
    ),

    -- A domain counts once, however many links, and once for a page however it has moved: of
    -- links that came on one date the smallest key
    -- stands for the domain. A
    -- link that was there at the start has no date and comes before all that have one.
    ranked as (
        select
            *,
            row_number() over (
                partition by property_key, linking_key, is_first_of_link
                order by event_date nulls first, link_key
            ) as domain_no,
            row_number() over (
                partition by property_key, linking_key, current_page_key, is_first_of_link
                order by event_date nulls first, link_key
            ) as domain_page_no
        from described
    )

select
    property_key,
    {{ key64(
        'property_key::text', 'link_key::text', 'event_type', "coalesce(event_date::text, '')", 'witness'
    ) }}
    as event_key,
    link_key,
    event_type,
    event_date,
    earliest_date,
    date_uncertainty_days,
    event_date is null
    or is_index_change
    or coalesce(date_uncertainty_days > 14, true) as is_uncertain_date,
    is_index_change,
    observed_date,
    witness,
    loss_basis,
    string_to_array(rel_set, ' ') as rel,
    rel_set = '' as is_followed,
    string_to_array(previous_rel_set, ' ') as previous_rel,
    anchor,
    previous_anchor,
    previous_link_key,
    source_url,
    source_page_key,
    source_domain,
    source_domain_key,
    literal_target_url,
    target_url_key,
    page_key,
    authority,
    is_first_of_link and domain_no = 1 as is_first_from_domain,
    is_first_of_link and domain_page_no = 1 as is_first_from_domain_to_page
from ranked
