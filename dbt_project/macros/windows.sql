{#- Samples that are compared with each other: of the weeks before the event, of the headline and of its placebo. -#}
{% macro crossed_samples() -%}
    select sample_no
    from {{ ref('int_effect__list_samples') }}
    where
        (end_day < -7 or window_name = 'headline')
        and horizon_day = (select min(horizon_day) from {{ ref('int_effect__list_samples') }})
{%- endmacro %}

{#- The samples of which cuts are made: the headline's and that of its placebo. -#}
{% macro main_samples() -%}
    select sample_no
    from {{ ref('int_effect__list_samples') }}
    where
        window_name in ('headline', 'placebo')
        and horizon_day = (select min(horizon_day) from {{ ref('int_effect__list_samples') }})
{%- endmacro %}

{#- Of each window of a single link the sample that is published: the placebo's is that of the headline. -#}
{% macro samples_of_windows() -%}
    select *
    from {{ ref('int_effect__list_samples') }}
    where
        window_name <> 'burst'
        and horizon_day = greatest(end_day, (select min(horizon_day) from {{ ref('int_effect__list_samples') }}))
{%- endmacro %}

{#-
Totals of a window around each row of `unit`, which has property_key, `key` (series_key with depth, page_key) and event_date, and, if
not `span`, begin_day and end_day. Joins of a select list whose columns are window_totals(): NULL where the window has not ended yet, or ended
before the first check. Day by day through the index (`distinct on` keeps it so, where Citus refuses `limit`): a join with all
totals of all days, of which few are asked for, sorts or hashes gigabytes.
-#}
{% macro join_window(unit, sums='int_link__sum_positions', key='series_key', span=none) -%}
    {%- for name, day in [('at_end', 'end_day'), ('at_begin', 'begin_day - 1')] %}
    left join
        lateral(
            select distinct on (sums.property_key)
                {%- for total in (position_totals() if key == 'series_key' else search_totals()) %}
                    sums.{{ total }}{{ ',' if not loop.last }}
                {%- endfor %}
            from {{ ref(sums) }} as sums
            where
                sums.property_key = {{ unit }}.property_key
                and sums.{{ key }} = {{ unit }}.{{ key }}
                and sums.day = {{ unit }}.event_date + {{ span or unit }}.{{ day }}
                {%- if key == 'series_key' %} and sums.depth = {{ unit }}.depth {%- endif %}
        ) as {{ name }}
        on true
    {%- endfor %}
{%- endmacro %}

{% macro window_totals(totals=none) -%}
    {%- for total in totals or position_totals() %}
        at_end.{{ total }}
        - coalesce(at_begin.{{ total }}, 0) as {{ total }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#-
Pre-hook of a model of many steps. The planner takes what comes out of them for a few rows, for which any plan will do: it
joins by the property alone first, merges and sorts. Hashes in the order written do for many; loops are off already
(plan_for_many_rows).
-#}
{% macro join_as_written() -%}
    {%- for setting in ['join_collapse_limit = 1', 'enable_mergejoin = off', 'enable_sort = off'] -%}
        set local {{ setting }};
    {%- endfor -%}
{%- endmacro %}
