{#-
dbt's own macro, but in one query that writes only comments that are not there yet: dbt asks twice for the columns and
writes every comment, every night.
-#}
{% macro postgres__persist_docs(relation, model, for_relation, for_columns) -%}
    {%- set columns = {} -%}
    {%- for column in model.columns.values() -%} {%- do columns.update({column.name: column.description}) -%} {%- endfor -%}
    {%- set told = [postgres_escape_comment(model.description), postgres_escape_comment(tojson(columns))] -%}
    {%- do run_query("select ops.describe('" ~ relation ~ "', " ~ told | join(', ') ~ ')') -%}
{%- endmacro %}
