{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_claimed_links() }}',
        indexes=[{'columns': ['property_key', 'link_key', 'witness', 'span_no'], 'unique': True}],
    )
}}

with
    sightings as (
        select
            sighting.property_key,
            sighting.witness,
            sighting.link_key,
            sighting.day,
            sighting.is_live,
            sighting.live_item_keys,
            sighting.lost_item_keys,
            sighting.first_seen_date,
            sighting.visit_date,
            sighting.lost_date,
            sighting.visit_before_loss_date,
            sighting.rel_set,
            sighting.anchor,
            sighting.source_domain_authority as authority,
            look.is_watching,
            look.cadence_days,
            case
                when look.is_snapshot then look.day else look.previous_snapshot_day
            end as last_snapshot_day,
            look.previous_snapshot_day,
            look.next_snapshot_day,
            look.second_snapshot_day
        from {{ ref('int_link__fold_sightings') }} as sighting
        inner join
            {{ ref('int_link__judge_looks') }} as look
            on look.property_key = sighting.property_key
            and look.witness = sighting.witness
            and look.day = sighting.day
        where {{ is_link_claimed('sighting') }}
    ),

    -- A page may hold several links to the target. A claim of loss stands once as many were claimed
    -- lost as were seen live, since the last complete snapshot.
    standing_claims as (
        select claim.property_key, claim.witness, claim.link_key, claim.day, claim.lost_date
        from sightings as claim
        inner join
            sightings as earlier
            on earlier.property_key = claim.property_key
            and earlier.witness = claim.witness
            and earlier.link_key = claim.link_key
            and earlier.day <= claim.day
            and earlier.day >= coalesce(claim.last_snapshot_day, '-infinity')
        cross join
            lateral(
                select unnest(earlier.live_item_keys) as item_key, true as is_live
                union all
                select unnest(earlier.lost_item_keys), false
            ) as item
        where not claim.is_live
        group by claim.property_key, claim.witness, claim.link_key, claim.day, claim.lost_date
        having
            count(distinct item.item_key) filter (where not item.is_live)
            >= count(distinct item.item_key) filter (where item.is_live)
    ),

    compared_claims as (
        select
            *,
            max(lost_date) over (
                partition by property_key, witness, link_key
                order by day
                rows between unbounded preceding and 1 preceding
            ) as claimed_before_date
        from standing_claims
    ),

    -- Lists of lost links overlap. The same loss told again is no second one, even after the link
    -- is back.
    timeline as (
        select
            sightings.*,
            not sightings.is_live as is_claim,
            lag(not sightings.is_live) over link_days as is_after_claim,
            lag(sightings.second_snapshot_day) over link_days as absence_proof_day
        from sightings
        left join
            compared_claims as claim
            on claim.property_key = sightings.property_key
            and claim.witness = sightings.witness
            and claim.link_key = sightings.link_key
            and claim.day = sightings.day
        where
            sightings.is_live or claim.lost_date > coalesce(claim.claimed_before_date, '-infinity')
        window
            link_days as (
                partition by sightings.property_key, sightings.witness, sightings.link_key
                order by sightings.day
            )
    ),

    -- A sighting begins a span when it is the first, or the link was gone: claimed lost, or absent
    -- from two snapshots.
    numbered as (
        select
            *,
            count(*) filter (
                where
                    is_after_claim is null
                    or (not is_claim and (is_after_claim or absence_proof_day < day))
            ) over (partition by property_key, witness, link_key order by day) as span_no
        from timeline
    ),

    spans as (
        select
            property_key,
            witness,
            link_key,
            span_no::integer as span_no,
            min(day) as begin_day,
            max(day) filter (where not is_claim) as last_live_day,
            bool_or(is_watching) as is_watching,
            min(cadence_days) as cadence_days,
            min(first_seen_date) as first_seen_date,
            (array_agg(visit_date order by day) filter (where not is_claim))[1] as first_visit_date,
            (array_agg(coalesce(visit_date, day) order by day desc) filter (where not is_claim))[
                1
            ] as last_visit_date,
            min(day) filter (where is_claim) as claim_day,
            min(lost_date) filter (where is_claim) as claimed_lost_date,
            min(visit_before_loss_date) filter (where is_claim) as visit_before_loss_date,
            (array_agg(previous_snapshot_day order by day))[1] as last_absent_day,
            {%- for day in ['next_snapshot_day', 'second_snapshot_day'] %}
                (array_agg({{ day }} order by day desc) filter (where not is_claim))[
                    1
                ] as {{ day }},
            {%- endfor %}
            {%- for word in ['rel_set', 'anchor'] %}
                {%- for part, order in [('first', 'day'), ('last', 'day desc')] %}
                    (
                        array_agg({{ word }} order by {{ order }}) filter (
                            where {{ word }} is not null
                        )
                    )[1] as {{ part }}_{{ word }},
                {%- endfor %}
            {%- endfor %}
            (array_agg(authority order by day))[1] as first_authority,
            (array_agg(authority order by day desc))[1] as last_authority
        from numbered
        group by property_key, witness, link_key, span_no
    ),

    followed as (
        select
            *,
            lead(begin_day) over (
                partition by property_key, witness, link_key order by span_no
            ) as next_begin_day
        from spans
    )

-- A single absence proves nothing; of two, the first dates the loss and the second proves it.
select
    property_key,
    witness,
    link_key,
    span_no,
    begin_day,
    last_live_day,
    is_watching,
    cadence_days,
    first_seen_date,
    first_visit_date,
    last_visit_date,
    -- The witness's own date; without one the night, if a snapshot before lacked the link.
    coalesce(
        first_seen_date, case when last_absent_day is not null then begin_day end
    ) as first_sight_date,
    last_absent_day,
    claim_day,
    claimed_lost_date,
    visit_before_loss_date,
    case
        when second_snapshot_day < coalesce(next_begin_day, 'infinity') then next_snapshot_day
    end as first_absent_day,
    case
        when second_snapshot_day < coalesce(next_begin_day, 'infinity') then second_snapshot_day
    end as second_absent_day,
    first_rel_set,
    last_rel_set,
    first_anchor,
    last_anchor,
    first_authority,
    last_authority
from followed
