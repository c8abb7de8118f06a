{#-
dbt's own macro, with one word more: `where: __in_build__` limits a test to the days of the build, so that a night's
tests cost what changed. With build_id 0 they read everything.
-#}
{% macro get_where_subquery(relation) -%}
    {%- set where = config.get('where', '') -%}
    {%- if not where -%}
        {{ relation }}
    {%- else -%}
        {%- set build_id = var('build_id') | int -%}
        {%- set in_build = (
            "(property_key, day) in (select property_key, day from ops.build_day where build_id = " ~ build_id ~ ")"
            if build_id else "true"
        ) -%}
        (select * from {{ relation }} where {{ where | replace('__in_build__', in_build) }}) as dbt_subquery
    {%- endif -%}
{%- endmacro %}
