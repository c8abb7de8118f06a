{{ config(materialized='table', indexes=[{'columns': ['property_key', 'witness', 'day'], 'unique': True}]) }}

with
    told as (
        select
            property_key,
            {{ export_vendor(origin_of('publication')) }} as witness,
            day,
            row_count,
            facts,
            {{ is_of_kind('publication', ['links'], is_export=true) }} as is_export
        from {{ source('ops', 'publication') }} as publication
        where is_current and {{ is_of_kind('publication', ['links']) }}
    ),

    -- What a day of exports is by its file's name it has noted; what all are since some day, the
    -- property states.
    publications as (
        select
            told.*,
            coalesce(
                told.is_export
                and (told.facts ->> 'may_be_whole')::boolean
                and told.day >= properties.links_whole_since_date,
                false
            ) as is_stated_whole,
            case when told.is_export then properties.link_cadence_days end as cadence_days
        from told
        left join
            {{ ref('stg_ops__property') }} as properties
            on properties.property_key = told.property_key
    ),

    -- Rows that the gate rejected are missing from what was published; which pull lost them is
    -- not kept, so none is whole.
    looks as (
        select
            publications.*,
            publications.row_count = pulls.read_count and pulls.is_any_whole as is_any_whole,
            publications.row_count = pulls.read_count and pulls.is_full_whole as is_full_whole,
            publications.is_stated_whole
            or (
                (publications.facts ->> 'is_complete')::boolean
                and publications.row_count
                = coalesce((publications.facts ->> 'stated_count')::bigint, publications.row_count)
            ) as is_whole,
            publications.is_stated_whole or (publications.facts ->> 'is_full')::boolean as is_full
        from publications
        cross join
            lateral(
                select
                    sum((pull.tally ->> 'rows')::bigint) as read_count,
                    bool_or(
                        pull.name in ('full', 'new')
                        and pull.tally ->> 'rows' = pull.tally ->> 'stated'
                    ) as is_any_whole,
                    bool_or(
                        pull.name = 'full' and pull.tally ->> 'rows' = pull.tally ->> 'stated'
                    ) as is_full_whole
                from jsonb_each(coalesce(publications.facts -> 'pulls', '{}')) as pull(name, tally)
            ) as pulls
    ),

    -- Where a day was read in one pull, that is whole or not. A night that noted nothing was
    -- read, but proves nothing.
    nights as (
        select
            property_key,
            witness,
            day,
            bool_or(coalesce(is_any_whole, is_whole, false)) as is_complete_look,
            bool_or(coalesce(is_full_whole, is_whole and is_full, false)) as is_snapshot,
            min(cadence_days) as cadence_days
        from looks
        group by property_key, witness, day
    ),

    snapshots as (
        select
            property_key,
            witness,
            day,
            lead(day) over (partition by property_key, witness order by day) as following_day
        from nights
        where is_snapshot
    ),

    surrounded as (
        select
            *,
            max(day) filter (where is_snapshot) over (
                days_of_witness rows between unbounded preceding and 1 preceding
            ) as previous_snapshot_day,
            min(day) filter (where is_snapshot) over (
                days_of_witness rows between 1 following and unbounded following
            ) as next_snapshot_day,
            bool_or(is_snapshot) over (partition by property_key, witness) as is_watching
        from nights
        window days_of_witness as (partition by property_key, witness order by day)
    )

select
    surrounded.property_key,
    surrounded.witness,
    surrounded.day,
    surrounded.is_complete_look,
    surrounded.is_snapshot,
    surrounded.is_watching,
    surrounded.cadence_days,
    surrounded.previous_snapshot_day,
    surrounded.next_snapshot_day,
    snapshots.following_day as second_snapshot_day
from surrounded
left join
    snapshots
    on snapshots.property_key = surrounded.property_key
    and snapshots.witness = surrounded.witness
    and snapshots.day = surrounded.next_snapshot_day
