{#-
The marts' post-hook: of what dbt has just put in place, an analyst reads the rows of the properties that ops.grant grants
to it. dbt runs it before it commits, so nobody meets a table without its policy, and a table that this hook never saw is
read by nobody. What has its policy already is left alone: to change it would wait for every reader.

meta.rows says which rows of a mart are a property's. of_property (the default): those with its property_key, where 0,
all properties together, is read by who may read each of them. linked_domains: those of domains with a link to it; who may
read every property, removed ones too, reads every domain. open: it has no rows of any property, and every analyst reads it whole.

`= any (array(...))` is worked out once a query, and an index can use it: not so `in (...)`, nor a function for each row.
Citus takes no subquery in a policy of what it distributes: there it is the function, which an index asks once. linked_domains
cannot be said so, and dim_domain, dim_domain_current and fct_domain_authority are read by no analyst there.
-#}
{% macro restrict_rows() -%}
    {%- if execute -%}
        {%- set rows = (config.get('meta') or {}).get('rows', 'of_property') -%}
        {%- set policies = {
            'of_property': 'property_key = any (array(select property_key from ops.granted_property))',
            'linked_domains': (
                'exists (select from ops.granted_everything)'
                ' or exists (select from ops.linked_domains() as linked (key) where linked.key = domain_key)'
            ),
            'open': 'true',
        } -%}
        {%- set is_citus = target.name == 'citus' -%}
        {%- if is_citus -%}
            {%- do policies.update({'of_property': 'property_key = any (ops.granted_properties())'}) -%}
        {%- endif -%}
        {%- if rows not in policies or config.get('materialized') == 'materialized_view' -%}
            {%- do exceptions.raise_compiler_error("no rows of " ~ this ~ " can be kept from an analyst: see restrict_rows") -%}
        {%- endif -%}
        {%- if config.get('materialized') == 'view' -%}
            {%- set commands = ['alter view ' ~ this ~ ' set (security_invoker = true)'] -%}
        {%- elif not (is_citus and rows == 'linked_domains') and not _has_row_security(this) -%}
            {%- set commands = [
                'alter table ' ~ this ~ ' enable row level security',
                'create policy ' ~ rows ~ ' on ' ~ this ~ ' for select to seo_reader using (' ~ policies[rows] ~ ')',
            ] -%}
        {%- else -%} {%- set commands = [] -%}
        {%- endif -%}
        {%- if commands -%}
            {%- do commands.append('grant select on ' ~ this ~ ' to seo_reader') -%}
        {%- endif -%}
        {#- One by one where it is Citus, which takes no text of several. -#}
        {%- for text in (commands if is_citus or not commands else [commands | join('; ')]) -%}
            {%- do run_query(text) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{% macro _has_row_security(relation) -%}
    {%- set found = run_query("select 1 from pg_class where oid = '" ~ relation ~ "'::regclass and relrowsecurity") -%}
    {{- return(found.rows | length > 0) -}}
{%- endmacro %}

{#- Columns of texts whose values are the project's own words: how often each stands there tells of no text of anybody's. -#}
{% macro own_words() -%}
    {{- return([
        'anchor_type', 'arm', 'cut', 'device', 'dimension', 'element_type', 'engine', 'event_type', 'indexability', 'item_type', 'loss_basis',
        'origin', 'outcome', 'panel', 'reason', 'source', 'state', 'status', 'table_name', 'topic_source', 'usual_page_source', 'weighting', 'window_name',
        'witness',
    ]) -}}
{%- endmacro %}

{#-
No statistics on other texts of what analysts read. A policy hides rows, not what the planner knows of them: `=` and `<` of
texts are estimated from every property's values, and ranges of letters, halved and halved again, spelt the frequent ones.
-#}
{% macro forget_texts(relation) -%}
    {%- if execute and relation.schema in ('marts', 'plans') and (config.get('meta') or {}).get('rows') != 'open' -%}
        {%- do run_query("select ops.forget_texts('" ~ relation ~ "', '{" ~ own_words() | join(', ') ~ "}')") -%}
    {%- endif -%}
{%- endmacro %}
