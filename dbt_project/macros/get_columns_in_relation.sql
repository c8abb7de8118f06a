{#-
dbt-postgres asks information_schema, which calls every array "ARRAY": no type to cast to, so that unit tests could not
give rows for a relation with an array. This asks the catalogue for the same columns with their full types.
-#}
{% macro postgres__get_columns_in_relation(relation) -%}
    {% call statement('get_columns_in_relation', fetch_result=True) %}
        select
            attribute.attname as column_name,
            format_type(attribute.atttypid, attribute.atttypmod) as data_type,
            null::integer as character_maximum_length,
            null::integer as numeric_precision,
            null::integer as numeric_scale
        from pg_catalog.pg_attribute as attribute
        inner join pg_catalog.pg_class as class on class.oid = attribute.attrelid
        inner join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
        where
            class.relname = '{{ relation.identifier }}'
            and class.relkind in ('r', 'p', 'v', 'm', 'f')
            and {% if relation.schema %}namespace.nspname = '{{ relation.schema }}'{% else %}pg_table_is_visible(class.oid){% endif %}
            and attribute.attnum > 0
            and not attribute.attisdropped
        order by attribute.attnum
    {% endcall %}
    {{ return(sql_convert_columns_in_relation(load_result('get_columns_in_relation').table)) }}
{%- endmacro %}
