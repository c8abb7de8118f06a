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

    series_places as (
        select distinct property_key, engine as panel, locale, device
        from {{ ref('int_link__list_series') }}
    ),

    places as (
        select property_key, panel, locale, device
        from series_places
        union all
        select distinct property_key, 'search_console', 'all', 'all'
        from affected
    ),

    -- Cell by cell, so that nothing is sorted: units are found by their date and topic.
    averaged as (
        select affected.topic, affected.event_date, means.*
        from affected
        cross join
            lateral(
                select
                    units.property_key,
                    cell_key,
                    sample_no,
                    count(*)::integer as control_count,
                    {%- for outcome in outcomes() %}
                        avg({{ outcome['name'] }}_change) as {{ outcome['name'] }}_change,
                    {%- endfor %}
                    {%- for outcome in ['log_position', 'click_log'] %}
                        sum(
                            {{ outcome }}_change * {{ outcome }}_change
                        ) as {{ outcome }}_square_sum,
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
                from {{ ref('int_effect__measure_units') }} as units
                where
                    units.property_key = affected.property_key
                    and units.event_date = affected.event_date
                    and units.topic = affected.topic
                    and units.sample_no = any(affected.sample_nos)
                    and units.role = 'control'
                    and not units.is_onpage_changed
                group by units.property_key, cell_key, sample_no
            ) as means
    )

select averaged.*, places.panel, places.locale, places.device
from averaged
inner join
    places
    on places.property_key = averaged.property_key
    and {{ cell_key('places.panel', 'averaged.topic', 'averaged.event_date', 'places.locale', 'places.device') }}
    = averaged.cell_key
