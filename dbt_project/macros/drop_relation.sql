{#-
dbt's own macro, but within the macros that the model has already: dbt gathers all six hundred of them anew for each drop.
-#}
{% macro drop_relation_if_exists(relation) -%}
    {%- if relation is not none -%}
        {%- do adapter.cache_dropped(relation) -%}
        {%- do drop_relation(relation) -%}
    {%- endif -%}
{%- endmacro %}
