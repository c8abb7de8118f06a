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

    -- Until when a witness has the link: to its loss; for ever, if it would tell of a loss; else
    -- only to its last sight, since an export that is not repeated says no more.
    bounded as (
        select
            *,
            coalesce(start_date, begin_day) as known_date,
            case
                when lost_date is not null
                then lost_date
                when is_watching
                then 'infinity'
                else coalesce(last_visit_date, begin_day)
            end as end_date
        from spans
    ),

    -- A link is there while any witness has it: spans of several witnesses are one stay, unless
    -- one tells of a loss between them that no other's later sight denies.
    ordered as (
        select
            *,
            max(end_date) over earlier as last_end_date,
            max(lost_date) over earlier as last_lost_date
        from bounded
        window
            earlier as (
                partition by property_key, link_key
                order by known_date, start_date is null, witness, span_no
                rows between unbounded preceding and 1 preceding
            )
    ),

    stays as (
        select
            *,
            count(*) filter (
                where
                    last_end_date is null
                    or (last_lost_date = last_end_date and known_date >= last_end_date)
            ) over (
                partition by property_key, link_key
                order by known_date, start_date is null, witness, span_no
            ) as stay_no
        from ordered
    ),

    -- What the first witness does not know of rel and words, the next one that does may tell.
    known_words as (
        select
            property_key,
            link_key,
            stay_no,
            {%- for part, way in [('first', ''), ('last', ' desc')] %}
                {%- for word in ['rel_set', 'anchor'] %}
                    (
                        array_agg(
                            {{ part }}_{{ word }}
                            order by
                                {{ 'known_date' if part == 'first' else 'end_date' }}{{ way }},
                                witness,
                                span_no
                        ) filter (where {{ part }}_{{ word }} is not null)
                    )[1]
                    as known_{{ part }}_{{ word }}{{ ',' if not (part == 'last' and word == 'anchor') }}
                {%- endfor %}
            {%- endfor %}
        from stays
        group by property_key, link_key, stay_no
    ),

    worded as (
        select
            stays.*,
            coalesce(stays.first_rel_set, known_words.known_first_rel_set) as begin_rel_set,
            coalesce(stays.first_anchor, known_words.known_first_anchor) as begin_anchor,
            coalesce(stays.last_rel_set, known_words.known_last_rel_set) as end_rel_set,
            coalesce(stays.last_anchor, known_words.known_last_anchor) as end_anchor
        from stays
        inner join
            known_words
            on known_words.property_key = stays.property_key
            and known_words.link_key = stays.link_key
            and known_words.stay_no = stays.stay_no
    ),

    beginnings as (
        select distinct on (property_key, link_key, stay_no) *
        from worded
        order by property_key, link_key, stay_no, known_date, start_date is null, witness, span_no
    ),

    endings as (
        select distinct on (property_key, link_key, stay_no) *
        from worded
        order by property_key, link_key, stay_no, end_date desc, lost_date is null, witness, span_no
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
            begin_rel_set as rel_set,
            null as previous_rel_set,
            begin_anchor as anchor,
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
            end_rel_set,
            null,
            end_anchor,
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
