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
    placed as (
        select place_events.*, weighed.evidence, weighed.claimed_date
        from {{ ref('int_link__place_events') }} as place_events
        left join
            {{ ref('int_link__weigh_evidence') }} as weighed
            on weighed.property_key = place_events.property_key
            and weighed.event_key = place_events.event_key
    ),

    events as (
        select *, null::bigint as previous_link_key, null::date as refuted_date
        from placed
        -- The event by which a link came tells of the link that it replaces as well.
        union all
        select
            placed.property_key,
            {{ link_event_key("'target_changed'", 'placed') }},
            placed.link_key,
            'target_changed',
            placed.event_date,
            placed.earliest_date,
            placed.date_uncertainty_days,
            placed.is_date_wide,
            false,
            false,
            placed.observed_date,
            placed.witness,
            null,
            placed.rel_set,
            null,
            placed.anchor,
            null,
            placed.source_page_key,
            placed.linking_key,
            placed.page_key,
            placed.authority,
            placed.evidence,
            null,
            matches.previous_link_key,
            null
        from placed
        inner join
            {{ ref('int_link__match_target_changes') }} as matches
            on matches.property_key = placed.property_key
            and matches.event_key = placed.event_key
        -- What a visit of ours denied is told, and nothing is made of it.
        union all
        select
            denied.property_key,
            {{ link_event_key("'refuted'", 'denied') }},
            denied.link_key,
            'lost',
            denied.event_date,
            denied.earliest_date,
            denied.event_date - denied.earliest_date,
            coalesce(denied.event_date - denied.earliest_date > 14, true),
            false,
            false,
            denied.observed_date,
            denied.witness,
            denied.loss_basis,
            denied.rel_set,
            null,
            denied.anchor,
            null,
            denied.source_page_key,
            denied.linking_key,
            denied.page_key,
            denied.authority,
            'refuted',
            case when denied.loss_basis = 'vendor_claim' then denied.event_date end,
            null,
            denied.denied_day
        from {{ ref('int_link__list_denied_losses') }} as denied
        -- The link stands, and its page came to count for nothing.
        union all
        select
            changes.property_key,
            {{ link_event_key('changes.event_type', 'changes') }},
            changes.link_key,
            changes.event_type,
            changes.event_date,
            changes.earliest_date,
            changes.event_date - changes.earliest_date,
            changes.event_date - changes.earliest_date > 14,
            false,
            false,
            changes.observed_date,
            changes.witness,
            null,
            changes.rel_set,
            null,
            changes.anchor,
            null,
            changes.source_page_key,
            changes.linking_key,
            changes.page_key,
            null,
            'checked',
            null,
            null,
            null
        from {{ ref('int_link__find_source_changes') }} as changes
    ),

    links as (select * from {{ ref('int_link__describe_links') }}),

    described as (
        select
            events.*,
            groups.link_group_key,
            links.source_url,
            links.source_domain,
            links.source_domain_key,
            links.literal_target_url,
            links.page_key as target_url_key,
            {{ page_as_of('links', 'page_key') }} as current_page_key,
            events.event_type in ('present_at_start', 'acquired') as is_first_of_link
        from events
        inner join
            links on links.property_key = events.property_key and links.link_key = events.link_key
        left join
            {{ ref('int_link__group_links') }} as groups
            on groups.property_key = events.property_key
            and groups.link_key = events.link_key
            {{ join_page_version('links', 'page_key', "date '9999-12-31'") }}
    ),

    -- A domain counts once, however many links, and once for a page however it has moved: of links
    -- that came on one date the smallest key stands for the domain. A link that was there at the
    -- start has no date and comes before all that have one.
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
    event_key,
    link_key,
    event_type,
    event_date,
    earliest_date,
    date_uncertainty_days,
    is_index_change or is_date_wide as is_uncertain_date,
    is_index_change,
    is_possible_index_change,
    observed_date,
    witness,
    loss_basis,
    evidence,
    refuted_date,
    claimed_date,
    link_group_key,
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
