{#- Running totals of int_link__sum_positions and, of those, what a link's report counts by state. -#}
{% macro position_totals() -%}
    {{- return([
        'check_count', 'measured_count', 'ranked_count', 'found_count', 'not_found_count', 'truncated_count',
        'failed_count', 'value_count', 'top_10_count', 'ranked_value_count', 'position_sum', 'log_position_sum',
        'expected_ctr_sum',
    ]) -}}
{%- endmacro %}

{#- Running totals of int_link__sum_searches. -#}
{% macro search_totals() -%}
    {{- return([
        'measured_count', 'ranked_count', 'value_count', 'click_log_sum', 'impression_log_sum',
    ]) -}}
{%- endmacro %}

{#- First day from which running totals of positions must be summed again, by property. -#}
{% macro claimed_position_days() -%}
    {%- do source('ops', 'build_day') -%}
    select claimed.property_key, min(claimed.day) as day
    from {{ source('ops', 'build_day') }} as claimed
    where
        claimed.build_id = {{ var('build_id') | int }}
        and {{ is_of_kind('claimed', ['checks', 'results']) }}
    group by claimed.property_key
{%- endmacro %}

{#- The same of searches by page. -#}
{% macro claimed_search_days() -%}
    {%- do source('ops', 'build_day') -%}
    select property_key, min(day) as day
    from
        (
            select claimed.property_key, claimed.day
            from {{ source('ops', 'build_day') }} as claimed
            where
                claimed.build_id = {{ var('build_id') | int }}
                and {{ is_of_kind('claimed', ['searches', 'page_searches']) }}
            union all
            select property_key, day
            from {{ ref('int_page__list_moved_days') }}
        ) as claimed_days
    group by property_key
{%- endmacro %}

{#- Literal of the first day of which a build changes a running total, in any property: claimed, or not summed yet. -#}
{% macro first_changed_day(claims) -%}
    {{- return(
        run_query(
            "with claimed as (" ~ context[claims]() ~ ")"
            ~ " select least((select min(day) from claimed), (select min(last.day) + 1 from claimed cross join lateral ("
            ~ "select distinct on (standing.property_key) standing.day from " ~ this ~ " as standing"
            ~ " where standing.property_key = claimed.property_key and standing.day < claimed.day"
            ~ " order by standing.property_key, standing.day desc) as last))"
        ).rows[0][0] or 'infinity'
    ) -}}
{%- endmacro %}

{#- Literal of the first of claimed days: a query with a column day. -#}
{% macro first_day_of(claimed) -%}
    {{- return(run_query("select min(day) from (" ~ claimed ~ ") as claimed").rows[0][0] or 'infinity') -}}
{%- endmacro %}

{#- Pre-hook of running totals: a day changes its own total and all later ones, found through the index by a literal day. -#}
{% macro replace_later_days(claims='claimed_position_days') -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} as stale
        {% if var('build_id') | int != 0 -%}
                using ({{ context[claims]() }}) as claimed
            where
                stale.property_key = claimed.property_key
                and stale.day >= claimed.day
                and stale.property_key = any(array(select property_key from ({{ context[claims]() }}) as days))
                and stale.day >= date '{{ first_day_of(context[claims]()) }}'
        {%- endif %}
    {%- endif -%}
{%- endmacro %}

{#- What stands of each claimed property's running totals after the pre-hook: the totals of the last day, by which all new days go on. -#}
{% macro standing_totals(first_day) -%}
    select standing.*
    from {{ this }} as standing
    inner join
        (
            select standing.property_key, max(standing.day) as day
            from {{ this }} as standing
            inner join claimed on claimed.property_key = standing.property_key
            -- As a literal, here and below, or the planner would read every day.
            where standing.day >= date '{{ first_day }}' - 1
            group by standing.property_key
        ) as last_days
        on last_days.property_key = standing.property_key
        and last_days.day = standing.day
    where standing.day >= date '{{ first_day }}' - 1
{%- endmacro %}

{#- By property the first day that a build sums: claimed, or not summed yet. Of CTEs claimed and standing. -#}
{% macro first_days_to_sum() -%}
    select property_key, min(day) as day
    from
        (
            select property_key, day
            from claimed
            union all
            select property_key, day + 1
            from standing
        ) as first_days
    group by property_key
{%- endmacro %}
