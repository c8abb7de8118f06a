{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_cells() }}',
        indexes=[
            {'columns': ['property_key', 'cell_key', 'sample_no'], 'unique': True},
            {'columns': ['property_key', 'event_date', 'topic']},
        ],
    )
}}

with
    affected as (select * from {{ ref('int_link__list_affected_cells') }}),

    units as (
        select units.*
        from {{ ref('int_effect__measure_units') }} as units
        inner join
            affected
            on affected.property_key = units.property_key
            and affected.event_date = units.event_date
            and affected.topic = units.topic
        where units.role = 'control' and not units.is_onpage_changed
    ),

    places as (
        select distinct
            property_key,
            {{ cell_key('engine', 'topic', 'event_date', 'locale', 'device') }} as cell_key,
            engine as panel,
            locale,
            device
        from {{ ref('int_link__measure_bases') }}
        union all
        select
            property_key,
            {{ cell_key("'search_console'", 'topic', 'event_date', "'all'", "'all'") }},
            'search_console',
            'all',
            'all'
        from affected
    ),

    averaged as (
        select
            property_key,
            topic,
            event_date,
            cell_key,
            sample_no,
            count(*)::integer as control_count,
            {%- for outcome in outcomes() %}
                avg({{ outcome['name'] }}_change) as {{ outcome['name'] }}_change,
            {%- endfor %}
            {%- for outcome in ['log_position', 'click_log'] %}
                sum({{ outcome }}_change * {{ outcome }}_change) as {{ outcome }}_square_sum,
            {%- endfor %}
            avg(base_position) as base_position,
            avg(base_position + position_change) as window_position,
            avg(base_log_position) as base_log_position,
            avg(base_log_position + log_position_change) as window_log_position,
            {%- for part in ['base', 'window'] %}
                {%- for state in check_states() %}
                    sum({{ part }}_{{ state }}_count)::double precision
                    / nullif(sum({{ part }}_check_count), 0)
                    as {{ part }}_{{ state }}_share{{ ',' if not (loop.last and part == 'window') }}
                {%- endfor %}
            {%- endfor %}
        from units
        group by property_key, topic, event_date, cell_key, sample_no
    )

select averaged.*, places.panel, places.locale, places.device
from averaged
inner join
    places on places.property_key = averaged.property_key and places.cell_key = averaged.cell_key
