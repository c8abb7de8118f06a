{#-
Whether fct_link_rank_change and the effect may be rebuilt for the affected cells and topics alone: a claimed build over
tables that stand, which knows what they were last made from (ops.modelled_...). Yes to dbt while it parses, which then
sees all that a partial build reads.
-#}
{% macro is_rank_change_partial() -%}
    {%- set modelled = source('ops', 'modelled_event') -%}
    {%- if not execute -%} {{- return(true) -}} {%- endif -%}
    {%- if var('build_id') | int == 0 or flags.FULL_REFRESH -%} {{- return(false) -}} {%- endif -%}
    {%- for node in graph.nodes.values() if node.resource_type == 'model' -%}
        {%- set is_kept_by_cells = 'replace_affected_' in node.config['pre-hook'] | map(attribute='sql') | join -%}
        {%- if is_kept_by_cells and adapter.get_relation(target.database, node.schema, node.alias) is none -%}
            {{- return(false) -}}
        {%- endif -%}
    {%- endfor -%}
    {{- return(run_query('select exists (select 1 from ' ~ modelled ~ ')').rows[0][0]) -}}
{%- endmacro %}

{#- Rows of a relation, by the columns of which the ledger keeps a copy, that stand in one of the two alone. -#}
{% macro changed_rows(is, modelled) -%}
    {%- set was = source('ops', modelled) -%}
    {%- set names = adapter.get_columns_in_relation(was) | map(attribute='name') | join(', ') if execute else '*' -%}
    (select {{ names }} from {{ is }} except select {{ names }} from {{ was }})
    union all
    (select {{ names }} from {{ was }} except select {{ names }} from {{ is }})
{%- endmacro %}

{#- Pre-hook of a model kept by cells (property, topic and date of the link event) and samples, or windows in their place. -#}
{% macro replace_affected_cells(is_of_windows=false) -%}
    {#- Named while dbt parses too, so that they are there before the model is built. #}
    {%- set affected_cells = ref('int_link__list_affected_cells') -%}
    {%- set samples = samples_of_windows() if is_of_windows -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} as stale
        {% if is_rank_change_partial() -%}
            using {{ affected_cells }} as affected
            where
                stale.property_key = affected.property_key
                and stale.topic = affected.topic
                and stale.event_date = affected.event_date
                {% if is_of_windows -%}
                    and stale.window_name in (
                        select samples.window_name
                        from ({{ samples }}) as samples
                        where samples.sample_no = any(affected.sample_nos)
                    )
                {%- else -%} and stale.sample_no = any(affected.sample_nos)
                {%- endif %}
        {%- endif %}
    {%- endif -%}
{%- endmacro %}

{#- Pre-hook of a model kept by topics and samples, or all the weeks before together: what is summed over all dates. -#}
{% macro replace_affected_topics(is_of_weeks=false) -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} as stale
        {% if is_rank_change_partial() -%}
            using {{ ref('int_effect__list_affected_topics') }} as affected
            where
                stale.property_key = affected.property_key
                and stale.topic = affected.topic
                {% if is_of_weeks -%} and affected.sample_nos && array({{ crossed_samples() }})
                {%- else -%} and stale.sample_no = any(affected.sample_nos)
                {%- endif %}
        {%- endif %}
    {%- endif -%}
{%- endmacro %}

{#- Key of a cell: panel, topic, date, locale and device of a property. -#}
{% macro cell_key(panel, topic, event_date, locale, device) -%}
    {{ key64(panel, topic, event_date ~ '::text', locale, device) }}
{%- endmacro %}
