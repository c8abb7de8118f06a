{#- Student's t of 6 degrees of freedom at .975: four weeks and four, less the two means. -#}
{%- set t_6 = 2.4469118511449692 -%}
{{ config(materialized='table') }}

with
    witnesses as (select * from {{ ref('int_referral__list_spans') }} where span = 'life'),

    comings as (
        select distinct
            event.property_key,
            witnesses.witness,
            event.link_key,
            event.event_date,
            event.is_uncertain_date,
            candidates.source_host_key,
            candidates.page_key,
            event.event_date - 28 >= witnesses.first_day
            and event.event_date + 27 <= witnesses.last_day as is_whole
        from {{ ref('fct_link_event') }} as event
        inner join
            {{ ref('int_referral__list_candidates') }} as candidates
            on candidates.property_key = event.property_key
            and candidates.link_key = event.link_key
            and candidates.days @> event.event_date
        inner join
            witnesses
            on witnesses.property_key = event.property_key
            and event.event_date between witnesses.first_day and witnesses.last_day
        where event.event_type = 'acquired' and coalesce(candidates.referrer_policy, '') <> 'none'
    ),

    visits as (
        select
            property_key,
            witness,
            {{ key64('referrer_host') }} as host_key,
            page_key,
            day,
            sum(visit_count) as visit_count
        from {{ ref('fct_referral_visit') }}
        where class in ('link', 'link_host', 'other_site') and referrer_host is not null
        group by property_key, witness, referrer_host, page_key, day
    ),

    weeks as (
        select
            comings.property_key,
            comings.witness,
            comings.link_key,
            comings.event_date,
            week.no as week_no,
            bool_and(comings.is_whole) as is_whole,
            bool_or(comings.is_uncertain_date) as is_uncertain_date,
            coalesce(sum(visits.visit_count), 0)::double precision as visit_count
        from comings
        cross join generate_series(-4, 3) as week(no)
        left join
            visits
            on visits.property_key = comings.property_key
            and visits.witness = comings.witness
            and visits.host_key = comings.source_host_key
            and visits.page_key = comings.page_key
            and visits.day >= comings.event_date + 7 * week.no
            and visits.day < comings.event_date + 7 * week.no + 7
        group by
            comings.property_key, comings.witness, comings.link_key, comings.event_date, week.no
    ),

    sides as (
        select
            property_key,
            witness,
            link_key,
            event_date,
            week_no >= 0 as is_after,
            bool_and(is_whole) as is_whole,
            bool_or(is_uncertain_date) as is_uncertain_date,
            sum(visit_count) as visit_count,
            coalesce(var_samp(visit_count) * 3 / nullif(avg(visit_count), 0), 0) as chi_square
        from weeks
        group by property_key, witness, link_key, event_date, week_no >= 0
    ),

    compared as (
        select
            property_key,
            witness,
            link_key,
            event_date,
            bool_and(is_whole) as is_whole,
            bool_or(is_uncertain_date) as is_uncertain_date,
            sum(visit_count) filter (where not is_after) as before_count,
            sum(visit_count) filter (where is_after) as after_count,
            greatest(sum(chi_square) / 6, 1) as dispersion
        from sides
        group by property_key, witness, link_key, event_date
    ),

    judged as (
        select
            *,
            case
                when is_uncertain_date
                then 'uncertain_date'
                when not is_whole
                then 'short_history'
                when before_count < 10 and after_count < 10
                then 'too_few_visits'
            end as reason,
            ln((after_count + 0.5) / (before_count + 0.5)) as log_ratio,
            {{ t_6 }}
            * sqrt(dispersion * (1 / (after_count + 0.5) + 1 / (before_count + 0.5))) as half_width
        from compared
    )

select
    property_key,
    witness,
    link_key,
    event_date,
    before_count::bigint as before_count,
    after_count::bigint as after_count,
    dispersion,
    case when reason is null then exp(log_ratio) end as ratio,
    case when reason is null then exp(log_ratio - half_width) end as ratio_low,
    case when reason is null then exp(log_ratio + half_width) end as ratio_high,
    reason
from judged
