{#-
The project's first post-hook, and all that the target `citus` adds: a table that is new goes to the nodes, a property's rows
to where those of the raw tables are (load/schema.py), and what has no property to each of them. Views stay as they are, and
so does a mart that no policy without a subquery could keep (restrict_rows).
-#}
{% macro distribute_table() -%}
    {%- if execute and target.name == 'citus' and config.get('materialized') in ('table', 'incremental', 'seed') -%}
        {%- set is_kept_here = (config.get('meta') or {}).get('rows') == 'linked_domains' -%}
        {%- if not is_kept_here and not _is_distributed(this) -%}
            {%- if 'property_key' in adapter.get_columns_in_relation(this) | map(attribute='name') -%}
                select
                    create_distributed_table(
                        '{{ this }}', 'property_key', colocate_with => '{{ source(feeds()[0]['source'], feeds()[0]['table']).include(database=false) }}'
                    )
            {%- else -%} select create_reference_table('{{ this }}')
            {%- endif -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _is_distributed(relation) -%}
    {%- set found = run_query("select 1 from pg_dist_partition where logicalrelid = '" ~ relation ~ "'::regclass") -%}
    {{- return(found.rows | length > 0) -}}
{%- endmacro %}
