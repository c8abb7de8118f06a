{#-
dbt's own macro for `on_schema_change: fail`, which the project has, with the columns compared as texts: dbt compares each
with each, three times over. Returns the columns that an increment brings.
-#}
{% macro postgres__process_schema_changes(on_schema_change, source_relation, target_relation) -%}
    {%- set brought = adapter.get_columns_in_relation(source_relation) -%}
    {%- set made, standing = _with_types(brought), _with_types(adapter.get_columns_in_relation(target_relation)) -%}
    {%- if made | sort != standing | sort -%}
        {%- do exceptions.raise_compiler_error(
            target_relation ~ ' has [' ~ standing | reject('in', made) | join(', ') ~ '], and what is added to it has ['
            ~ made | reject('in', standing) | join(', ') ~ '] instead. Build it anew with --full-refresh.'
        ) -%}
    {%- endif -%}
    {{ return(brought) }}
{%- endmacro %}

{% macro _with_types(columns) -%}
    {%- set texts = [] -%}
    {%- for column in columns -%} {%- do texts.append(column.name ~ ' ' ~ column.dtype) -%} {%- endfor -%}
    {{ return(texts) }}
{%- endmacro %}
