{#- Who reports the links of an export: its part without the form. -#}
{% macro export_vendor(part) -%}
    regexp_replace({{ part }}, '_(backlinks|latest_links)$', '')
{%- endmacro %}
