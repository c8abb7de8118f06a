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
        select *
        from {{ ref('int_link__fold_sightings') }} as sighting
        where {{ is_link_claimed('sighting') }}
    ),

    looks as (select * from {{ ref('int_link__judge_looks') }}),

    snapshots as (
        select property_key, witness, day, snapshot_count as snapshot_no
        from looks
        where is_snapshot
    ),

    totals as (
        select
            property_key,
            witness,
            max(snapshot_count) as snapshot_total,
            min(day) filter (where is_snapshot) as first_snapshot_day
        from looks
        group by property_key, witness
    ),

    -- A page may hold several links to the target: a claim of loss stands once as many were
    -- claimed lost, since the last
    -- complete snapshot, as were seen live.
    claims as (
        select
            sightings.property_key,
            sightings.witness,
            sightings.link_key,
            sightings.day,
            sightings.lost_date,
            sightings.visit_before_loss_date,
            snapshots.day as snapshot_day
        from sightings
        inner join
            looks
            on looks.property_key = sightings.property_key
            and looks.witness = sightings.witness
            and looks.day = sightings.day
        left join
            snapshots
            on snapshots.property_key = looks.property_key
            and snapshots.witness = looks.witness
            and snapshots.snapshot_no = looks.snapshot_count
        where not sightings.is_live
    ),

    claimed_items as (
        select
            claims.property_key,
            claims.witness,
            claims.link_key,
            claims.day,
            claims.lost_date,
            claims.visit_before_loss_date,
            count(distinct item.item_key) filter (where item.is_live) as live_count,
            count(distinct item.item_key) filter (where not item.is_live) as lost_count
        from claims
        inner join
            sightings
            on sightings.property_key = claims.property_key
            and sightings.witness = claims.witness
            and sightings.link_key = claims.link_key
            and sightings.day <= claims.day
            and sightings.day >= coalesce(claims.snapshot_day, '-infinity')
        cross join
            lateral(
                select unnest(sightings.live_item_keys) as item_key, true as is_live
                union all
                select unnest(sightings.lost_item_keys), false
            ) as item
        group by
            claims.property_key,
            claims.witness,
            claims.link_key,
            claims.day,
            claims.lost_date,
            claims.visit_before_loss_date
    ),

    standing_claims as (
        select
            *,
            max(lost_date) over (
                partition by property_key, witness, link_key
                order by day
                rows between unbounded preceding and 1 preceding
            ) as claimed_before_date
        from claimed_items
        where lost_count >= live_count
    ),

    -- Lists of lost links overlap: the same loss told again is no second one, even after the link
    -- is back.
    timeline as (
        select
            sightings.property_key,
            sightings.witness,
            sightings.link_key,
            sightings.day,
            not sightings.is_live as is_claim,
            sightings.first_seen_date,
            sightings.visit_date,
            standing_claims.lost_date,
            standing_claims.visit_before_loss_date,
            sightings.rel_set,
            sightings.anchor,
            sightings.source_domain_authority,
            looks.snapshot_count,
            looks.snapshot_count - looks.is_snapshot::integer as earlier_snapshot_count
        from sightings
        inner join
            looks
            on looks.property_key = sightings.property_key
            and looks.witness = sightings.witness
            and looks.day = sightings.day
        left join
            standing_claims
            on standing_claims.property_key = sightings.property_key
            and standing_claims.witness = sightings.witness
            and standing_claims.link_key = sightings.link_key
            and standing_claims.day = sightings.day
        where
            sightings.is_live
            or (
                standing_claims.lost_date is not null
                and (
                    standing_claims.claimed_before_date is null
                    or standing_claims.lost_date > standing_claims.claimed_before_date
                )
            )
    ),

    neighbours as (
        select
            *,
            lag(is_claim) over link_days as is_after_claim,
            lag(snapshot_count) over link_days as last_snapshot_count
        from timeline
        window link_days as (partition by property_key, witness, link_key order by day)
    ),

    -- A sighting begins a span when it is the first, or the link was gone: claimed lost, or
    -- absent from two snapshots.
    numbered as (
        select
            *,
            count(*) filter (
                where
                    is_after_claim is null
                    or (
                        not is_claim
                        and (is_after_claim or earlier_snapshot_count - last_snapshot_count >= 2)
                    )
            ) over (partition by property_key, witness, link_key order by day) as span_no
        from neighbours
    ),

    spans as (
        select
            property_key,
            witness,
            link_key,
            span_no,
            min(day) as begin_day,
            min(day) filter (where not is_claim) as first_live_day,
            max(day) filter (where not is_claim) as last_live_day,
            min(first_seen_date) as first_seen_date,
            (array_agg(visit_date order by day) filter (where not is_claim))[1] as first_visit_date,
            (array_agg(coalesce(visit_date, day) order by day desc) filter (where not is_claim))[
                1
            ] as last_visit_date,
            min(earlier_snapshot_count) as earlier_snapshot_count,
            max(snapshot_count) filter (where not is_claim) as seen_snapshot_count,
            min(day) filter (where is_claim) as claim_day,
            min(lost_date) as claimed_lost_date,
            min(visit_before_loss_date) as visit_before_loss_date,
            (array_agg(rel_set order by day) filter (where rel_set is not null))[
                1
            ] as first_rel_set,
            (array_agg(rel_set order by day desc) filter (where rel_set is not null))[
                1
            ] as last_rel_set,
            (array_agg(anchor order by day) filter (where anchor is not null))[1] as first_anchor,
            (array_agg(anchor order by day desc) filter (where anchor is not null))[
                1
            ] as last_anchor,
            (array_agg(source_domain_authority order by day))[1] as first_authority,
            (array_agg(source_domain_authority order by day desc))[1] as last_authority
        from numbered
        group by property_key, witness, link_key, span_no
    ),

    -- Snapshots without the link between this span and the next, or until now.
    followed as (
        select
            spans.*,
            totals.first_snapshot_day,
            totals.snapshot_total > 0 as is_watching,
            coalesce(
                lead(spans.earlier_snapshot_count) over (
                    partition by spans.property_key, spans.witness, spans.link_key
                    order by spans.span_no
                ),
                totals.snapshot_total
            )
            - spans.seen_snapshot_count as absent_count
        from spans
        inner join
            totals on totals.property_key = spans.property_key and totals.witness = spans.witness
    ),

    -- A single absence proves nothing; of two, the first dates the loss and the second proves it.
    absences as (
        select
            followed.*,
            first_absence.day as first_absent_day,
            second_absence.day as second_absent_day
        from followed
        left join
            snapshots as first_absence
            on first_absence.property_key = followed.property_key
            and first_absence.witness = followed.witness
            and first_absence.snapshot_no = followed.seen_snapshot_count + 1
            and followed.absent_count >= 2
        left join
            snapshots as second_absence
            on second_absence.property_key = followed.property_key
            and second_absence.witness = followed.witness
            and second_absence.snapshot_no = followed.seen_snapshot_count + 2
            and followed.absent_count >= 2
    ),

    -- What two witnesses of one loss say: the earlier date stands. least() passes over NULL.
    ended as (
        select
            *,
            least(claimed_lost_date, first_absent_day) as lost_date,
            case
                when claimed_lost_date <= first_absent_day or first_absent_day is null
                then claim_day
                else second_absent_day
            end as lost_observed_date,
            case
                when claimed_lost_date is null and first_absent_day is null
                then null
                when claimed_lost_date <= first_absent_day or first_absent_day is null
                then 'vendor_claim'
                else 'absence'
            end as loss_basis
        from absences
    ),

    preceded as (
        select
            *,
            lag(lost_date) over (
                partition by property_key, witness, link_key order by span_no
            ) as gone_date
        from ended
    ),

    -- The first span begins on the witness's own date; without one, on the night, if snapshots
    -- before lacked the link, and
    -- else it was there at the start. A later span begins on the vendor's new first sight or on
    -- its visit, if these lie
    -- after the loss and no snapshot since contradicts them, and else on the night.
    begun as (
        select
            preceded.*,
            case
                when preceded.span_no = 1 and preceded.first_seen_date is not null
                then preceded.first_seen_date
                when preceded.span_no = 1
                then
                    case
                        when preceded.begin_day > preceded.first_snapshot_day
                        then preceded.begin_day
                    end
                when preceded.first_seen_date > preceded.gone_date
                then preceded.first_seen_date
                when
                    preceded.first_visit_date >= preceded.gone_date
                    and (last_absence.day is null or preceded.first_visit_date > last_absence.day)
                then preceded.first_visit_date
                else preceded.begin_day
            end as start_date,
            last_absence.day as last_absent_day
        from preceded
        left join
            snapshots as last_absence
            on last_absence.property_key = preceded.property_key
            and last_absence.witness = preceded.witness
            and last_absence.snapshot_no = preceded.earlier_snapshot_count
            and preceded.span_no > 1
    )

select
    begun.property_key,
    begun.witness,
    begun.link_key,
    begun.span_no::integer as span_no,
    begun.begin_day,
    begun.last_live_day,
    begun.start_date,
    case
        when begun.start_date is null
        then null
        when begun.span_no = 1
        then
            (
                select distinct on (look.property_key) look.day
                from {{ ref('int_link__judge_looks') }} as look
                where
                    look.property_key = begun.property_key
                    and look.witness = begun.witness
                    and look.is_complete_look
                    and look.day <= begun.start_date
                    and look.day < begun.begin_day
                order by look.property_key, look.day desc
            )
        else
            greatest(
                begun.gone_date,
                case when begun.last_absent_day <= begun.start_date then begun.last_absent_day end
            )
    end as start_earliest_date,
    case
        when begun.lost_date is not null then greatest(begun.lost_date, begun.start_date)
    end as lost_date,
    case
        when
            begun.lost_date is not null
            and coalesce(begun.last_visit_date, begun.start_date) is not null
        then
            least(
                greatest(
                    case
                        when begun.loss_basis = 'vendor_claim' then begun.visit_before_loss_date
                    end,
                    begun.last_visit_date,
                    begun.start_date
                ),
                greatest(begun.lost_date, begun.start_date)
            )
    end as lost_earliest_date,
    begun.lost_observed_date,
    begun.loss_basis,
    begun.is_watching,
    begun.last_visit_date,
    begun.first_rel_set,
    begun.last_rel_set,
    begun.first_anchor,
    begun.last_anchor,
    begun.first_authority,
    begun.last_authority
from begun
