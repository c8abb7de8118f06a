{#-
The project's post-hook: a table that a night has added to is analyzed again once it has grown by a tenth. A sample of
everything, every night, takes longer than what the night adds. A new table has its statistics from create_indexes; on Citus
it is analyzed here, where its rows lie on their nodes.
-#}
{% macro analyze_table() -%}
    {%- set kinds = ['incremental', 'table'] if target.name == 'citus' else ['incremental'] -%}
    {%- if execute and config.get('materialized') in kinds and _is_unknown(this) -%}
        {#- Outside of a model's transaction dbt commits nothing, and statistics would be gone with the connection. #}
        analyze {{ this }};
        commit
    {%- endif -%}
{%- endmacro %}

{% macro _is_unknown(relation) -%}
    {%- set query -%}
        select
            pg_relation_size(oid) > 1.1 * relpages * current_setting('block_size')::bigint
            or not exists (
                select from pg_stats where schemaname = '{{ relation.schema }}' and tablename = '{{ relation.identifier }}'
            )
        from pg_class
        where oid = '{{ relation }}'::regclass
    {%- endset -%}
    {{- return(run_query(query).rows[0][0]) -}}
{%- endmacro %}
