{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_claimed_links() }}',
        indexes=[{'columns': ['property_key', 'link_key']}],
    )
}}

with
    spans as (
        select * from {{ ref('int_link__find_spans') }} as span where {{ is_link_claimed('span') }}
    ),

    changes as (
        select *
        from {{ ref('int_link__find_changes') }} as change
        where {{ is_link_claimed('change') }}
    ),

    cadences as (select * from {{ ref('link_witness_cadences') }}),

    -- A link is there while any witness has it: spans of several witnesses that overlap are one
    -- stay.
    ordered as (
        select
            *,
            coalesce(start_date, begin_day) as known_date,
            max(coalesce(lost_date, 'infinity')) over (
                partition by property_key, link_key
                order by coalesce(start_date, begin_day), witness, span_no
                rows between unbounded preceding and 1 preceding
            ) as others_end_date
        from spans
    ),

    stays as (
        select
            *,
            count(*) filter (where others_end_date is null or known_date >= others_end_date) over (
                partition by property_key, link_key order by known_date, witness, span_no
            ) as stay_no
        from ordered
    ),

    beginnings as (
        select distinct on (property_key, link_key, stay_no) *
        from stays
        order by property_key, link_key, stay_no, known_date, witness, span_no
    ),

    endings as (
        select distinct on (property_key, link_key, stay_no) *
        from stays
        order by
            property_key, link_key, stay_no, coalesce(lost_date, 'infinity') desc, witness, span_no
    ),

    events as (
        select
            property_key,
            link_key,
            case
                when stay_no > 1
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
            first_rel_set as rel_set,
            null as previous_rel_set,
            first_anchor as anchor,
            null as previous_anchor,
            first_authority as authority
        from beginnings
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
            last_rel_set,
            null,
            last_anchor,
            null,
            last_authority
        from endings
        where lost_date is not null
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
        from changes
    ),

    -- Two changes of one link may fall on one date; the one that was told last stands.
    single as (
        select distinct on (property_key, link_key, event_type, event_date, witness) *
        from events
        order by property_key, link_key, event_type, event_date, witness, observed_date desc
    )

select
    single.property_key,
    single.link_key,
    single.event_type,
    single.event_date,
    single.earliest_date,
    case
        when single.event_date is not null
        then coalesce(single.event_date - single.earliest_date, cadences.cadence_days)
    end as date_uncertainty_days,
    single.observed_date,
    single.witness,
    single.loss_basis,
    single.rel_set,
    single.previous_rel_set,
    single.anchor,
    single.previous_anchor,
    single.authority
from single
left join cadences on cadences.witness = single.witness
