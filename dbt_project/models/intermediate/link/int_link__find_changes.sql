{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_claimed_links() }}',
        indexes=[{'columns': ['property_key', 'link_key']}],
    )
}}

with
    sightings as (
        select *
        from {{ ref('int_link__fold_sightings') }} as sighting
        where sighting.is_live and {{ is_link_claimed('sighting') }}
    ),

    spans as (
        select * from {{ ref('int_link__find_spans') }} as span where {{ is_link_claimed('span') }}
    ),

    -- A list of new links shows a further link of the pair alone; only a full pull or an export
    -- shows the pair as it is. The first sighting of a span counts whatever pull it comes from.
    comparable as (
        select
            sightings.property_key,
            sightings.witness,
            sightings.link_key,
            spans.span_no,
            sightings.day,
            coalesce(sightings.visit_date, sightings.day) as visit_date,
            sightings.rel_set,
            sightings.anchor,
            sightings.source_domain_authority
        from sightings
        inner join
            spans
            on spans.property_key = sightings.property_key
            and spans.witness = sightings.witness
            and spans.link_key = sightings.link_key
            and sightings.day between spans.begin_day and spans.last_live_day
        where sightings.is_pair_shown or sightings.day = spans.begin_day
    ),

    values_seen as (
        select *, 'rel_changed' as event_type, rel_set as value
        from comparable
        where rel_set is not null
        union all
        select *, 'anchor_changed', anchor
        from comparable
        where anchor is not null
    ),

    compared as (
        select
            *,
            lag(value) over span_days as previous_value,
            lag(visit_date) over span_days as previous_visit_date
        from values_seen
        window
            span_days as (
                partition by property_key, witness, link_key, span_no, event_type order by day
            )
    ),

    -- The vendor saw the new value on its visit, if that came after the visit that saw the old one,
    -- else on the night.
    changes as (
        select
            property_key,
            witness,
            link_key,
            event_type,
            case when visit_date > previous_visit_date then visit_date else day end as event_date,
            previous_visit_date as earliest_date,
            day as observed_date,
            rel_set,
            anchor,
            previous_value,
            source_domain_authority
        from compared
        where value <> previous_value
    )

-- Two changes of one link may fall on one date; the one that was told last stands.
select distinct on (property_key, link_key, event_type, event_date, witness) *
from changes
order by property_key, link_key, event_type, event_date, witness, observed_date desc
