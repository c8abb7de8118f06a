{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_cells(is_of_windows=true) }}',
        indexes=[
            {'columns': ['property_key', 'event_date', 'topic']},
        ],
    )
}}

with
    windows as (select * from {{ ref('int_link__judge_windows') }}),

    controls as (select * from {{ ref('int_effect__average_controls') }}),

    compared as (
        select
            windows.*,
            coalesce(controls.control_count, 0) as control_count,
            controls.base_position as control_base_position,
            controls.window_position as control_window_position,
            controls.base_log_position as control_base_log_position,
            controls.window_log_position as control_window_log_position,
            {%- for state in check_states() %}
                controls.base_{{ state }}_share as control_base_{{ state }}_share,
                controls.window_{{ state }}_share
                as control_window_{{ state }}_share{{ ',' if not loop.last }}
            {%- endfor %}
        from windows
        left join
            controls
            on controls.property_key = windows.property_key
            and controls.cell_key = windows.cell_key
            and controls.sample_no = windows.sample_no
    ),

    reasoned as (
        select
            *,
            case
                {%- for reason in change_reasons() %}
                    when {{ reason.when }} then '{{ reason.name }}'
                {%- endfor %}
            end as reason
        from compared
    )

select
    property_key,
    event_key,
    keyword_key,
    engine,
    locale,
    device,
    window_name,
    link_key,
    page_key,
    topic,
    event_type,
    event_date,
    (event_date + begin_day)::date as window_first_date,
    (event_date + end_day)::date as window_last_date,
    base_position::double precision as base_position,
    window_position::double precision as window_position,
    (window_position - base_position)::double precision as position_change,
    base_log_position::double precision as base_log_position,
    window_log_position::double precision as window_log_position,
    (window_log_position - base_log_position)::double precision as log_position_change,
    base_expected_count::integer as base_expected_count,
    base_check_count::integer as base_check_count,
    base_measured_count::integer as base_measured_count,
    window_expected_count,
    window_check_count::integer as window_check_count,
    window_measured_count::integer as window_measured_count,
    {%- for state in check_states() %}
        base_{{ state }}_share::double precision as base_{{ state }}_share,
        window_{{ state }}_share::double precision as window_{{ state }}_share,
    {%- endfor %}
    control_count,
    control_base_position::double precision as control_base_position,
    control_window_position::double precision as control_window_position,
    (control_window_position - control_base_position)::double precision as control_position_change,
    control_base_log_position::double precision as control_base_log_position,
    control_window_log_position::double precision as control_window_log_position,
    (control_window_log_position - control_base_log_position)::double precision
    as control_log_position_change,
    {%- for state in check_states() %}
        control_base_{{ state }}_share::double precision as control_base_{{ state }}_share,
        control_window_{{ state }}_share::double precision as control_window_{{ state }}_share,
    {%- endfor %}
    case
        when reason is null
        then
            (
                (window_position - base_position)
                - (control_window_position - control_base_position)
            )::double precision
    end as position_difference,
    case
        when reason is null
        then
            (
                (window_log_position - base_log_position)
                - (control_window_log_position - control_base_log_position)
            )::double precision
    end as log_position_difference,
    other_link_count,
    is_onpage_changed,
    not is_onpage_changed and is_unwatched as is_onpage_unknown,
    has_update_in_base,
    has_update_in_window,
    has_update_between,
    reason
from reasoned
