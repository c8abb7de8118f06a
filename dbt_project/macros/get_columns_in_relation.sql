{#-
dbt-postgres asks information_schema, which calls every array "ARRAY": no type to cast to, so that unit tests could not
give rows for a relation with an array. This asks the catalogue for the same columns with their full types, as one value:
of rows dbt would guess the types, column by column.
-#}
{% macro postgres__get_columns_in_relation(relation) -%}
    {%- set query -%}
        select
            json_agg(
                json_build_array(attribute.attname, format_type(attribute.atttypid, attribute.atttypmod)) order by attribute.attnum
            )::text
        from pg_catalog.pg_attribute as attribute
        inner join pg_catalog.pg_class as class on class.oid = attribute.attrelid
        inner join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
        where
            class.relname = '{{ relation.identifier }}'
            and class.relkind in ('r', 'p', 'v', 'm', 'f')
            and {% if relation.schema %}namespace.nspname = '{{ relation.schema }}'{% else %}pg_table_is_visible(class.oid){% endif %}
            and attribute.attnum > 0
            and not attribute.attisdropped
    {%- endset -%}
    {%- set columns = [] -%}
    {%- for name, type in fromjson(run_query(query).rows[0][0] or '[]') -%}
        {%- do columns.append(api.Column(name, type)) -%}
    {%- endfor -%}
    {{ return(columns) }}
{%- endmacro %}
