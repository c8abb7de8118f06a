{{ config(materialized='table', indexes=[{'columns': ['property_key', 'witness', 'day'], 'unique': True}]) }}

with
    publications as (
        select *
        from {{ source('ops', 'publication') }}
        where is_current and source = 'dataforseo_backlinks' and table_name = 'backlink'
    ),

    pulls as (
        select
            publications.property_key,
            publications.day,
            publications.row_count,
            pull.name,
            (pull.tally ->> 'rows')::bigint as read_count,
            (pull.tally ->> 'stated')::bigint as stated_count
        from publications
        cross join
            lateral jsonb_each(coalesce(publications.facts -> 'pulls', '{}')) as pull(name, tally)
    ),

    -- Rows that the gate rejected are missing from what was published; which pull lost them is
    -- not kept, so none is whole.
    looks as (
        select
            property_key,
            'dataforseo' as witness,
            day,
            coalesce(
                max(row_count) = sum(read_count)
                and bool_or(name in ('full', 'new') and read_count = stated_count),
                false
            ) as is_complete_look,
            coalesce(
                max(row_count) = sum(read_count)
                and bool_or(name = 'full' and read_count = stated_count),
                false
            ) as is_snapshot
        from pulls
        group by property_key, day
    ),

    -- A night that noted nothing about its pulls was read, but proves nothing.
    nights as (
        select
            publications.property_key,
            'dataforseo' as witness,
            publications.day,
            coalesce(looks.is_complete_look, false) as is_complete_look,
            coalesce(looks.is_snapshot, false) as is_snapshot
        from publications
        left join
            looks on looks.property_key = publications.property_key and looks.day = publications.day
        union all
        -- An export never says that it is whole.
        select distinct property_key, {{ export_vendor('part') }}, day, false, false
        from {{ source('ops', 'publication') }}
        where is_current and source = 'exports' and table_name = 'backlink'
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
    surrounded.previous_snapshot_day,
    surrounded.next_snapshot_day,
    snapshots.following_day as second_snapshot_day
from surrounded
left join
    snapshots
    on snapshots.property_key = surrounded.property_key
    and snapshots.witness = surrounded.witness
    and snapshots.day = surrounded.next_snapshot_day
