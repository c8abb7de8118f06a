{#-
dbt's own macro, left out where it can find nothing: what is added to a table is held to the table's columns
(process_schema_changes), and a build that makes of the same files what the last one made (`is_standing`) has the columns of
the last one. Planning each query twice more is a fifth of what dbt does at night.
-#}
{% macro postgres__get_assert_columns_equivalent(sql) -%}
    {%- if not (is_incremental() or var('is_standing')) -%} {{ assert_columns_equivalent(sql) }} {%- endif -%}
{%- endmacro %}
