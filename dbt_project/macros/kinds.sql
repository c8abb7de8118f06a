{#-
Kinds, not providers: what a table tells of is said once, in its spec (`feeds`), and comes here as the macro feeds(). A model
names kinds; only staging knows whose rows they are.
-#}

{#- The tables of kinds; with is_export those of exported files alone, or those that are asked for alone. -#}
{% macro feeds_of(kinds, is_export=none) -%}
    {%- set found = [] -%}
    {%- for feed in feeds() if feed['kind'] in kinds and is_export in (none, feed['is_export']) -%}
        {%- do found.append(feed) -%}
    {%- endfor -%}
    {%- if not found -%}
        {%- do exceptions.raise_compiler_error("no table feeds " ~ kinds | join(", ") ~ ": see Feed in spec.py") -%}
    {%- endif -%}
    {{- return(found) -}}
{%- endmacro %}

{#- Whether a row of a ledger, which has source and table_name, is of these kinds. -#}
{% macro is_of_kind(alias, kinds, is_export=none) -%}
    (
        {%- for feed in feeds_of(kinds, is_export) %}
        {{ 'or ' if not loop.first }}{{ _is_of(alias, feed) }}
        {%- endfor %}
    )
{%- endmacro %}

{% macro _is_of(alias, feed) -%}
    ({{ alias }}.source = '{{ feed['source'] }}' and {{ alias }}.table_name = '{{ feed['table'] }}')
{%- endmacro %}

{#- The kind of a row of a ledger; NULL where no model reads it. -#}
{% macro kind_of(alias) -%}
    case
        {%- for feed in feeds() %} when {{ _is_of(alias, feed) }} then '{{ feed['kind'] }}'{% endfor %}
    end
{%- endmacro %}

{#- Whose word a publication is: of an export its part, else the vendor. -#}
{% macro origin_of(publication) -%}
    case
        {{ publication }}.source
        {%- for feed in feeds() if not feed['is_export'] %} when '{{ feed['source'] }}' then '{{ feed['origin'] }}'{% endfor %}
        else {{ publication }}.part
    end
{%- endmacro %}

{#-
The rows of kinds of one shape: its columns, of every staging model that feeds them, with whose word they are (origin: of an
export its part, else the vendor), whether they come of an exported file and, of several kinds, which. Staging gives each
column the same type wherever it stands, or PostgreSQL could not look through the union.
-#}
{% macro read_kinds(kinds, columns) -%}
    {%- for feed in feeds_of(kinds) %}
    {{ 'union all' if not loop.first }}
    select
        {{ columns | join(', ') }},
        {% if kinds | length > 1 %}'{{ feed['kind'] }}' as kind,{% endif %}
        {{ 'part' if feed['is_export'] else "'" ~ feed['origin'] ~ "'" }} as origin,
        {{ feed['is_export'] | lower }} as is_export
    from {{ ref('stg_' ~ feed['source'] ~ '__' ~ feed['table']) }}
    {%- endfor %}
{%- endmacro %}

{#- Name of the panel of searches, as text of SQL: who tells them. -#}
{% macro search_panel() -%} '{{ feeds_of(['page_searches'], is_export=false)[0]['origin'] }}' {%- endmacro %}

{#- The engine whose searches are told, as text of SQL: a URL with an impression there is in its index. -#}
{% macro search_engine() -%} 'google' {%- endmacro %}

{#- Who tells of our visits to pages that link, as text of SQL. -#}
{% macro visiting_witness() -%} '{{ feeds_of(['link_looks'])[0]['origin'] }}' {%- endmacro %}
