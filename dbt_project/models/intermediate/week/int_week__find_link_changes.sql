{{ config(materialized='table') }}

with
    spans as ({{ span_of_weeks('links') }}),

    beginnings as (
        select property_key, witness, min(day) as first_day
        from {{ ref('int_link__judge_looks') }}
        group by property_key, witness
    ),

    -- Counted in the week in which it was told: a witness tells of a link days after it came, so
    -- that by their own dates the last weeks have too few. What a witness told of in its first
    -- night stood before.
    steps as (
        select
            link_event.property_key,
            link_event.link_key,
            {{ linking_key('link_event') }} as linking_key,
            link_event.source_url,
            link_event.source_domain,
            link_event.authority,
            link_event.witness,
            link_event.is_index_change,
            case when link_event.event_type = 'lost' then -1 else 1 end as step,
            case
                when
                    link_event.observed_date > beginnings.first_day
                    and link_event.observed_date >= span.first_day
                then {{ week_end_of('link_event.observed_date') }}
                else date '-infinity'
            end as last_day
        from {{ ref('fct_link_event') }} as link_event
        inner join spans as span on span.property_key = link_event.property_key
        left join
            beginnings
            on beginnings.property_key = link_event.property_key
            and beginnings.witness = link_event.witness
        where
            link_event.event_type in ('present_at_start', 'acquired', 'restored', 'lost')
            and link_event.evidence <> 'refuted'
    ),

    counted as (
        select
            property_key,
            'links' as what,
            link_key as item_key,
            source_url as item,
            authority,
            witness,
            is_index_change,
            step,
            last_day
        from steps
        union all
        select
            property_key,
            'domains',
            linking_key,
            coalesce(source_domain, source_url),
            authority,
            witness,
            is_index_change,
            step,
            last_day
        from steps
    ),

    changes as (
        select
            property_key,
            what,
            item_key,
            last_day,
            min(item) as item,
            (array_agg(authority order by authority desc nulls last, witness))[1] as authority,
            (array_agg(witness order by authority desc nulls last, witness))[1] as witness,
            bool_and(is_index_change) filter (where step = 1) as is_index_change,
            sum(step) as step_sum
        from counted
        group by property_key, what, item_key, last_day
    ),

    -- Live links of the item at the end of the week. What comes and goes within it is neither won
    -- nor lost.
    stocks as (
        select
            *,
            sum(step_sum) over (
                partition by property_key, what, item_key order by last_day
            ) as live_count
        from changes
    )

select
    property_key,
    last_day,
    what || case when live_count > 0 then '_won' else '_lost' end as measure,
    item_key,
    item,
    authority,
    witness
from stocks
where
    last_day > '-infinity'
    and (live_count > 0) <> (live_count > step_sum)
    -- What a growing index shows is none of the site's news.
    and not (live_count > 0 and coalesce(is_index_change, false))
