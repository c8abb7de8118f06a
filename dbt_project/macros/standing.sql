{#- Whether a link was met on a night of our visits, a row for each that tells. -#}
{% macro told_nights() -%}
    select property_key, link_key, day, bool_or(presence = 'present') as is_seen
    from {{ ref('fct_link_check') }}
    where is_asked and presence <> 'unknown'
    group by property_key, link_key, day
{%- endmacro %}

{#-
Losses that our visits deny, of `spans` of int_link__find_spans: the first night after the loss that tells, up to two weeks
after the loss was told, met the link.
-#}
{% macro denied_losses(spans) -%}
    select
        told.property_key,
        told.witness,
        told.link_key,
        told.span_no,
        min(nights.day) as denied_day
    from {{ spans }} as told
    inner join
        ({{ told_nights() }}) as nights
        on nights.property_key = told.property_key
        and nights.link_key = told.link_key
        and nights.day > least(told.claimed_lost_date, told.first_absent_day)
        and nights.day
        <= case when told.claimed_lost_date is null then told.second_absent_day else told.claim_day end + 14
    group by told.property_key, told.witness, told.link_key, told.span_no
    having (array_agg(nights.is_seen order by nights.day))[1]
{%- endmacro %}

{#-
Spans as witnesses tell them, held against our visits: a loss that they deny is none, and a link that they missed as often as
confirms a loss, and that the witness has not seen since, is lost whatever it says (is_missed). Such a loss has the date
that the witness claims, where that lies between our last sight and our first miss, else that of the miss.
-#}
{% macro standing_spans() -%}
    with
        told as (
            select
                span.*,
                lead(span.begin_day) over (
                    partition by span.property_key, span.witness, span.link_key order by span.span_no
                ) as next_begin_day
            from {{ ref('int_link__find_spans') }} as span
            where {{ is_link_claimed('span') }}
        ),

        denied as ({{ denied_losses('told') }}),

        missed as (
            select distinct
                on (told.property_key, told.witness, told.link_key, told.span_no)
                told.property_key,
                told.witness,
                told.link_key,
                told.span_no,
                runs.last_seen_day,
                runs.first_miss_day,
                runs.confirmed_day
            from told
            inner join
                {{ ref('int_link__judge_misses') }} as runs
                on runs.property_key = told.property_key
                and runs.link_key = told.link_key
                and runs.confirmed_day is not null
                and runs.first_miss_day > coalesce(told.last_visit_date, told.last_live_day, told.begin_day)
                and runs.first_miss_day < coalesce(told.next_begin_day, 'infinity')
            order by
                told.property_key, told.witness, told.link_key, told.span_no, runs.first_miss_day
        )

    select
        {%- for column in [
            'property_key', 'witness', 'link_key', 'span_no', 'begin_day', 'last_live_day', 'is_watching', 'cadence_days',
            'first_seen_date', 'first_visit_date', 'last_visit_date', 'first_sight_date', 'last_absent_day',
            'first_rel_set', 'last_rel_set', 'first_anchor', 'last_anchor', 'first_authority', 'last_authority',
        ] %}
            told.{{ column }},
        {%- endfor %}
        case
            when missed.first_miss_day is null
            then case when denied.denied_day is null then told.claimed_lost_date end
            when
                told.claimed_lost_date > coalesce(missed.last_seen_day, '-infinity')
                and told.claimed_lost_date <= missed.first_miss_day
            then told.claimed_lost_date
            else missed.first_miss_day
        end as claimed_lost_date,
        case
            when missed.first_miss_day is not null
            then missed.confirmed_day
            when denied.denied_day is null
            then told.claim_day
        end as claim_day,
        case
            when missed.first_miss_day is not null
            then missed.last_seen_day
            when denied.denied_day is null
            then told.visit_before_loss_date
        end as visit_before_loss_date,
        {%- for column in ['first_absent_day', 'second_absent_day'] %}
            case
                when missed.first_miss_day is null and denied.denied_day is null then told.{{ column }}
            end as {{ column }},
        {%- endfor %}
        missed.first_miss_day is not null as is_missed
    from told
    left join
        denied
        on denied.property_key = told.property_key
        and denied.witness = told.witness
        and denied.link_key = told.link_key
        and denied.span_no = told.span_no
    left join
        missed
        on missed.property_key = told.property_key
        and missed.witness = told.witness
        and missed.link_key = told.link_key
        and missed.span_no = told.span_no
{%- endmacro %}
