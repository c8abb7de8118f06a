{{ config(materialized='table', indexes=[{'columns': ['property_key', 'link_key']}]) }}

with
    spans as (select * from {{ ref('int_link__date_spans') }}),

    links as (select * from {{ ref('int_link__describe_links') }}),

    cadences as (select * from {{ ref('link_witness_cadences') }}),

    first_sight_days as (select * from {{ ref('int_link__count_first_sights') }}),

    events as (
        select
            property_key,
            link_key,
            case
                when is_return
                then 'restored'
                when start_date is null
                then 'present_at_start'
                else 'acquired'
            end as event_type,
            start_date as event_date,
            start_earliest_date as earliest_date,
            begin_day as observed_date,
            witness,
            null as loss_basis,
            begin_rel_set as rel_set,
            null as previous_rel_set,
            begin_anchor as anchor,
            null as previous_anchor,
            first_authority as authority
        from spans
        where is_beginning
        union all
        select
            property_key,
            link_key,
            'lost',
            lost_date,
            lost_earliest_date,
            lost_observed_date,
            witness,
            loss_basis,
            end_rel_set,
            null,
            end_anchor,
            null,
            last_authority
        from spans
        where is_ending
        union all
        select
            property_key,
            link_key,
            event_type,
            event_date,
            earliest_date,
            observed_date,
            witness,
            null,
            rel_set,
            case when event_type = 'rel_changed' then previous_value end,
            anchor,
            case when event_type = 'anchor_changed' then previous_value end,
            source_domain_authority
        from {{ ref('int_link__find_changes') }}
    ),

    described as (
        select
            events.*,
            case
                when events.event_date is not null
                then coalesce(events.event_date - events.earliest_date, cadences.cadence_days)
            end as date_uncertainty_days,
            events.event_type = 'acquired'
            and coalesce(first_sight_days.is_index_change, false) as is_index_change,
            events.event_type = 'acquired'
            and coalesce(
                first_sight_days.is_possible_index_change, false
            ) as is_possible_index_change,
            links.source_page_key,
            {{ linking_key('links') }} as linking_key,
            {{ page_as_of('links', 'page_key') }} as page_key
        from events
        inner join
            links on links.property_key = events.property_key and links.link_key = events.link_key
            {{ join_page_version(
                'links', 'page_key', 'coalesce(events.event_date, events.observed_date)'
            ) }}
        left join cadences on cadences.witness = events.witness
        left join
            first_sight_days
            on first_sight_days.property_key = events.property_key
            and first_sight_days.witness = events.witness
            and first_sight_days.day = events.event_date
    )

select
    property_key,
    {{ link_event_key('event_type', 'described') }} as event_key,
    link_key,
    event_type,
    event_date,
    earliest_date,
    date_uncertainty_days,
    event_date is null or coalesce(date_uncertainty_days > 14, true) as is_date_wide,
    is_index_change,
    is_possible_index_change,
    observed_date,
    witness,
    loss_basis,
    rel_set,
    previous_rel_set,
    anchor,
    previous_anchor,
    source_page_key,
    linking_key,
    page_key,
    authority
from described
