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

{%- set check_outcomes = outcomes() | selectattr('of', 'equalto', 'checks') | list %}
{%- set search_outcomes = outcomes() | selectattr('of', 'equalto', 'searches') | list %}

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
        select distinct property_key, {{ search_panel() }}, 'all', 'all'
        from affected
    ),

    -- Cell by cell, so that nothing is sorted: units are found by their date and topic.
    checked as (
        select affected.topic, affected.event_date, means.*
        from affected
        cross join
            lateral(
                select
                    units.property_key,
                    units.cell_key,
                    units.sample_no,
                    count(*)::integer as control_count,
                    {%- for outcome in check_outcomes %}
                        avg({{ outcome['name'] }}_change) as {{ outcome['name'] }}_change,
                        var_samp({{ outcome['name'] }}_change) as {{ outcome['name'] }}_variance,
                    {%- endfor %}
                    avg(base_position) as base_position,
                    avg(base_position + position_change) as window_position,
                    avg(base_log_position) as base_log_position,
                    avg(base_log_position + log_position_change) as window_log_position,
                    {%- for state in check_states() %}
                        sum(base_{{ state }}_count)::double precision
                        / nullif(sum(base_check_count), 0) as base_{{ state }}_share,
                        sum(window_{{ state }}_count)::double precision / nullif(
                            sum(window_check_count), 0
                        ) as window_{{ state }}_share{{ ',' if not loop.last }}
                    {%- endfor %}
                from {{ ref('int_effect__measure_check_units') }} as units
                where
                    units.property_key = affected.property_key
                    and units.event_date = affected.event_date
                    and units.topic = affected.topic
                    and units.sample_no = any(affected.sample_nos)
                    and units.role = 'control'
                    and not units.is_onpage_changed
                group by units.property_key, units.cell_key, units.sample_no
            ) as means
    ),

    -- As above, and apart: the two have other figures, and each its own plan for its own relation.
    searched as (
        select affected.topic, affected.event_date, means.*
        from affected
        cross join
            lateral(
                select
                    units.property_key,
                    units.cell_key,
                    units.sample_no,
                    count(*)::integer as control_count,
                    {%- for outcome in search_outcomes %}
                        avg({{ outcome['name'] }}_change) as {{ outcome['name'] }}_change,
                        var_samp(
                            {{ outcome['name'] }}_change
                        ) as {{ outcome['name'] }}_variance{{ ',' if not loop.last }}
                    {%- endfor %}
                from {{ ref('int_effect__measure_search_units') }} as units
                where
                    units.property_key = affected.property_key
                    and units.event_date = affected.event_date
                    and units.topic = affected.topic
                    and units.sample_no = any(affected.sample_nos)
                    and units.role = 'control'
                    and not units.is_onpage_changed
                group by units.property_key, units.cell_key, units.sample_no
            ) as means
    ),

    averaged as (
        select
            property_key,
            topic,
            event_date,
            cell_key,
            sample_no,
            control_count,
            {%- for outcome in check_outcomes %}
                {{ outcome['name'] }}_change, {{ outcome['name'] }}_variance,
            {%- endfor %}
            {%- for outcome in search_outcomes %}
                null::double precision as {{ outcome['name'] }}_change,
                null::double precision as {{ outcome['name'] }}_variance,
            {%- endfor %}
            base_position,
            window_position,
            base_log_position,
            window_log_position,
            {%- for state in check_states() %}
                base_{{ state }}_share, window_{{ state }}_share{{ ',' if not loop.last }}
            {%- endfor %}
        from checked
        union all
        select
            property_key,
            topic,
            event_date,
            cell_key,
            sample_no,
            control_count,
            {%- for outcome in check_outcomes %}
                null::double precision as {{ outcome['name'] }}_change,
                null::double precision as {{ outcome['name'] }}_variance,
            {%- endfor %}
            {%- for outcome in search_outcomes %}
                {{ outcome['name'] }}_change, {{ outcome['name'] }}_variance,
            {%- endfor %}
            null::double precision as base_position,
            null::double precision as window_position,
            null::double precision as base_log_position,
            null::double precision as window_log_position,
            {%- for state in check_states() %}
                null::double precision as base_{{ state }}_share,
                null::double precision as window_{{ state }}_share{{ ',' if not loop.last }}
            {%- endfor %}
        from searched
    )

select averaged.*, places.panel, places.locale, places.device
from averaged
inner join
    places
    on places.property_key = averaged.property_key
    and {{ cell_key('places.panel', 'averaged.topic', 'averaged.event_date', 'places.locale', 'places.device') }}
    = averaged.cell_key
