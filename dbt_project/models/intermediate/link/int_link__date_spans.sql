{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_claimed_links() }}',
        indexes=[{'columns': ['property_key', 'link_key', 'witness', 'span_no'], 'unique': True}],
    )
}}

with
    spans as ({{ standing_spans() }}),

    -- What two proofs of one loss say: the earlier date stands. least() passes over NULL.
    ended as (
        select
            *,
            least(claimed_lost_date, first_absent_day) as gone_date,
            coalesce(claimed_lost_date <= first_absent_day, first_absent_day is null) as is_claim
        from spans
    ),

    preceded as (
        select
            *,
            lag(gone_date) over (
                partition by property_key, witness, link_key order by span_no
            ) as gone_before_date
        from ended
    ),

    -- A later span begins on the vendor's new first sight or on its visit, if these lie after the
    -- loss and no snapshot since contradicts them, and else on the night.
    begun as (
        select
            *,
            case
                when span_no = 1
                then first_sight_date
                when first_seen_date > gone_before_date
                then first_seen_date
                when
                    first_visit_date >= gone_before_date
                    and first_visit_date > coalesce(last_absent_day, '-infinity')
                then first_visit_date
                else begin_day
            end as start_date
        from preceded
    ),

    -- greatest() passes over NULL too. Only what a witness dates itself is as sure as it is quick.
    dated as (
        select
            begun.*,
            greatest(
                case
                    when begun.span_no = 1
                    then looks.complete_day
                    when begun.last_absent_day <= begun.start_date
                    then greatest(begun.gone_before_date, begun.last_absent_day)
                    else begun.gone_before_date
                end,
                case
                    when begun.start_date = begun.first_seen_date and looks.complete_day is not null
                    then begun.start_date - begun.cadence_days
                end
            ) as start_earliest_date,
            begun.gone_date + greatest(begun.start_date - begun.gone_date, 0) as lost_date,
            greatest(
                case when begun.is_claim then begun.visit_before_loss_date end,
                begun.last_visit_date,
                begun.start_date
            ) as last_proof_date
        from begun
        left join
            {{ ref('int_link__list_complete_looks') }} as looks
            on looks.property_key = begun.property_key
            and looks.witness = begun.witness
            and looks.day = least(begun.start_date, begun.begin_day - 1)
            and begun.start_date is not null
    ),

    -- Until when a witness has the link: to its loss; for ever, if it would tell of a loss; else
    -- only to its last sight, since an export that is not repeated says no more.
    bounded as (
        select
            *,
            coalesce(start_date, begin_day) as known_date,
            (start_date is null and lost_date <= begin_day) is not true as is_seen,
            case
                when lost_date is not null
                then lost_date
                when is_watching
                then 'infinity'
                else coalesce(last_visit_date, begin_day)
            end as end_date
        from dated
    ),

    -- A link is there while any witness has it: spans of several witnesses are one stay, unless a
    -- loss between them is denied by no later sight. A loss alone neither begins one nor ends it
    -- twice.
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
            coalesce(not is_seen and last_lost_date = last_end_date, false) as is_echo,
            count(*) filter (
                where
                    last_end_date is null
                    or (last_lost_date = last_end_date and known_date >= last_end_date and is_seen)
            ) over (
                partition by property_key, link_key
                order by known_date, start_date is null, witness, span_no
            ) as stay_no
        from ordered
    ),

    -- Which span speaks for the beginning of a stay, and which for its end. What it does not know
    -- of rel and words, the next one that does may tell.
    placed as (
        select
            *,
            {%- for word in ['rel_set', 'anchor'] %}
                coalesce(
                    first_{{ word }},
                    first_value(first_{{ word }}) over (
                        stay order by first_{{ word }} is null, known_date, witness, span_no
                    )
                ) as begin_{{ word }},
                coalesce(
                    last_{{ word }},
                    first_value(last_{{ word }}) over (
                        stay order by last_{{ word }} is null, end_date desc, witness, span_no
                    )
                ) as end_{{ word }},
            {%- endfor %}
            row_number() over beginning = 1 as is_first,
            row_number() over ending = 1 and lost_date is not null as is_last
        from stays
        window
            stay as (partition by property_key, link_key, stay_no),
            beginning as (stay order by known_date, start_date is null, witness, span_no),
            ending as (stay order by is_echo, end_date desc, lost_date is null, witness, span_no)
    )

-- Two returns of one link, or two losses, may fall on one date: the one that was told last stands.
select
    property_key,
    witness,
    link_key,
    span_no,
    begin_day,
    last_live_day,
    start_date,
    start_earliest_date,
    lost_date,
    case
        when lost_date is not null and coalesce(last_visit_date, start_date) is not null
        then least(last_proof_date, lost_date)
    end as lost_earliest_date,
    case when is_claim then claim_day else second_absent_day end as lost_observed_date,
    case
        when lost_date is not null
        then case when is_missed then 'visit' when is_claim then 'vendor_claim' else 'absence' end
    end as loss_basis,
    stay_no,
    stay_no > 1 as is_return,
    is_first
    and row_number() over (
        partition by property_key, link_key, is_first, stay_no > 1, witness, start_date
        order by begin_day desc
    )
    = 1 as is_beginning,
    is_last
    and row_number() over (
        partition by property_key, link_key, is_last, witness, lost_date
        order by case when is_claim then claim_day else second_absent_day end desc
    )
    = 1 as is_ending,
    begin_rel_set,
    begin_anchor,
    end_rel_set,
    end_anchor,
    first_authority,
    last_authority
from placed
