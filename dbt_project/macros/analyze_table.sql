{#- The project's post-hook: a table just written has no statistics, and the next model's joins would be planned blind. -#}
{% macro analyze_table() -%}
    {%- if execute and config.get('materialized') in ('table', 'incremental') -%}
        analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
