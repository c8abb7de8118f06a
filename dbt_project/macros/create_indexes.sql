{#-
dbt's own macro, which each new table comes through once it is filled and before it takes another's name. It is analyzed here:
whoever reads it first finds its statistics with its rows. Between a swap and an analyze after it, analysts' queries were
planned blind, one of dim_domain as a nested loop over all domains for each link. On Citus the rows move once more, and
analyze_table sees to it then.
-#}
{% macro postgres__create_indexes(relation) -%}
    {%- do default__create_indexes(relation) -%}
    {%- if target.name != 'citus' -%}
        {%- do forget_texts(relation) -%}
        {%- do run_query('analyze ' ~ relation) -%}
    {%- endif -%}
{%- endmacro %}
