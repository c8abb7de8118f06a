{#-
The project's post-hook: a table just written has no statistics, and the next model's joins would be planned blind. One that
stands and of which less than a tenth was changed since (autovacuum's own measure) keeps those that it has.
-#}
{% macro analyze_table() -%}
    {%- if execute and config.get('materialized') in ('table', 'incremental') -%}
        {%- if not is_incremental() or _is_much_changed(this) -%} analyze {{ this }} {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _is_much_changed(relation) -%}
    {%- set found = run_query(
        "select coalesce(before.n_mod_since_analyze, 0) + coalesce(now.n_tup_ins + now.n_tup_upd + now.n_tup_del, 0)"
        ~ " > greatest(relation.reltuples, 0) / 10"
        ~ " from pg_class as relation"
        ~ " left join pg_stat_user_tables as before on before.relid = relation.oid"
        ~ " left join pg_stat_xact_user_tables as now on now.relid = relation.oid"
        ~ " where relation.oid = '" ~ relation ~ "'::regclass"
    ) -%}
    {{- return(found.rows[0][0]) -}}
{%- endmacro %}
