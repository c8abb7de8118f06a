{#- Who links: the domain; a page without one (an address) stands for itself. `links` is int_link__describe_links. -#}
{% macro linking_key(links) -%} coalesce({{ links }}.source_domain_key, {{ links }}.source_page_key) {%- endmacro %}

{#- Class of a set of rel: only followed passes, and what nobody told of is in no arm. -#}
{% macro rel_class(rel_set) -%}
    case when {{ rel_set }} = '' then 'followed' when {{ rel_set }} is null then 'unknown' else 'nofollow' end
{%- endmacro %}
