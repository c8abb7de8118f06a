{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_topics() }}',
    )
}}

with
    affected as (select * from {{ ref('int_effect__list_affected_topics') }}),

    samples as (select * from {{ ref('int_effect__list_samples') }}),

    controls as (select * from {{ ref('int_effect__average_controls') }}),

    treated as (
        select
            units.*,
            controls.panel,
            controls.locale,
            controls.device,
            controls.control_count,
            {%- for outcome in outcomes() %}
                controls.{{ outcome['name'] }}_change as control_{{ outcome['name'] }}_change,
                controls.{{ outcome['name'] }}_variance
                as control_{{ outcome['name'] }}_variance{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('int_effect__measure_units') }} as units
        inner join
            affected
            on affected.property_key = units.property_key
            and affected.topic = units.topic
            and units.sample_no = any(affected.sample_nos)
        inner join
            controls
            on controls.property_key = units.property_key
            and controls.cell_key = units.cell_key
            and controls.sample_no = units.sample_no
        where units.event_key is not null and not units.is_onpage_changed
    ),

    -- Cuts are made of the headline and its placebo alone.
    levelled as (
        select treated.*, 'all' as cut, 'all' as level
        from treated
        union all
        select treated.*, cuts.cut, cuts.level
        from treated
        inner join ({{ main_samples() }}) as main on main.sample_no = treated.sample_no
        inner join
            {{ ref('int_effect__describe_events') }} as described
            on described.property_key = treated.property_key
            and described.event_key = treated.event_key
        left join
            {{ ref('countries') }} as countries
            on countries.location_code::text = split_part(treated.locale, '-', 1)
        cross join
            lateral(
                values
                    ('authority', described.authority_level),
                    ('first_from_domain', described.first_from_domain_level),
                    ('relevance', described.relevance_level),
                    ('anchor_type', described.anchor_type_level),
                    (
                        'country',
                        case
                            when treated.locale <> 'all'
                            then coalesce(countries.country, split_part(treated.locale, '-', 1))
                        end
                    ),
                    ('device', nullif(treated.device, 'all'))
            ) as cuts(cut, level)
        where cuts.level is not null
    )

select
    levelled.property_key,
    levelled.topic,
    levelled.sample_no,
    levelled.cell_key,
    levelled.role as arm,
    levelled.cut,
    levelled.level,
    levelled.panel,
    levelled.locale,
    levelled.device,
    levelled.event_date,
    samples.window_name,
    samples.horizon_day,
    count(*)::integer as treated_count,
    min(levelled.control_count) as control_count,
    array_agg(levelled.event_key order by levelled.event_key) as event_keys,
    (count(*) filter (where levelled.is_onpage_unknown))::integer as onpage_unknown_count,
    {%- for outcome in outcomes() %}
        avg(levelled.base_{{ outcome['name'] }}) as base_{{ outcome['name'] }},
        avg(levelled.{{ outcome['name'] }}_change) as {{ outcome['name'] }}_change,
        min(levelled.control_{{ outcome['name'] }}_change) as control_{{ outcome['name'] }}_change,
        min(
            levelled.control_{{ outcome['name'] }}_variance
        ) as control_{{ outcome['name'] }}_variance{{ ',' if not loop.last }}
    {%- endfor %}
from levelled
inner join samples on samples.sample_no = levelled.sample_no
group by
    levelled.property_key,
    levelled.topic,
    levelled.sample_no,
    levelled.cell_key,
    levelled.role,
    levelled.cut,
    levelled.level,
    levelled.panel,
    levelled.locale,
    levelled.device,
    levelled.event_date,
    samples.window_name,
    samples.horizon_day
