{#-
dbt's own macro, but not waiting in line. A rename waits until all who read the table have ended, and whoever comes after
it waits for the rename: one long query would keep everybody from a mart. So it tries for a tenth of a second, lets the
others pass for a second, and ends an analyst who still holds the table after five minutes of that (ops_views.sql).
-#}
{% macro postgres__rename_relation(from_relation, to_relation) -%}
    {% call statement('rename_relation') -%}
        select ops.rename_between_readers('{{ from_relation.render() }}'::regclass, '{{ to_relation.identifier }}')
    {%- endcall %}
{%- endmacro %}
