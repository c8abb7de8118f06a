{#- All weeks of a subject, property by property, as one span: a day's week is counted from its end, and needs no join with each week. -#}
{% macro span_of_weeks(subject) -%}
    select property_key, min(first_day) as first_day, max(last_day) as last_day
    from {{ ref('int_week__list_weeks') }}
    where subject = '{{ subject }}'
    group by property_key
{%- endmacro %}

{#- Weeks from the week of a day to the newest. -#}
{% macro week_no_of(day) -%}((span.last_day - {{ day }}) / 7) {%- endmacro %}

{#- Last day of the week of a day. -#}
{% macro week_end_of(day) -%}(span.last_day - 7 * {{ week_no_of(day) }}) {%- endmacro %}
