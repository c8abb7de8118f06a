{#- Of the many units those of a few events are asked for, through the index. -#}
{{
    config(
        materialized='table',
        pre_hook='set local enable_nestloop = on',
        indexes=[{'columns': ['property_key', 'topic'], 'unique': True}],
    )
}}

with
    affected as (
        select cells.property_key, cells.topic, samples.sample_no
        from {{ ref('int_link__list_affected_cells') }} as cells
        inner join
            {{ ref('int_effect__list_samples') }} as samples
            on samples.sample_no = any(cells.sample_nos)
        {% if is_rank_change_partial() -%}
            -- Nothing is compared before what is known reaches its horizon.
            inner join
                (
                    select property_key, max(day) as last_day
                    from {{ source('ops', 'publication') }}
                    group by property_key
                ) as known_until
                on known_until.property_key = cells.property_key
                and cells.event_date + samples.horizon_day <= known_until.last_day
        {%- endif %}
        {% if is_rank_change_partial() -%}
            -- A new event may move the terciles, and with them the levels of events of any date;
            -- only those that are compared matter.
            union all
            select units.property_key, units.topic, units.sample_no
            from
                ({{ changed_rows(ref('int_effect__describe_events'), 'modelled_level') }}) as levels
            inner join
                {{ ref('int_effect__measure_units') }} as units
                on units.property_key = levels.property_key
                and units.event_key = levels.event_key
            inner join ({{ main_samples() }}) as main on main.sample_no = units.sample_no
        {%- endif %}
    )

select property_key, topic, array_agg(distinct sample_no) as sample_nos
from affected
group by property_key, topic
