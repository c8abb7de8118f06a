{#- Host of a normalised URL. -#}
{% macro url_host(normalised) -%}
    substring({{ normalised }} from '^https?://([^/:?#]+)')
{%- endmacro %}

{#- Path of a normalised URL, from its slash, without query; NULL where it is no URL. -#}
{% macro url_path(normalised) -%}
    substring({{ normalised }} from '^https?://[^/?#]+(/[^?#]*)')
{%- endmacro %}

{#- Whether a host is a property's: the domain it states, or a host below it. -#}
{% macro is_host_of(host, domain) -%}
    ({{ host }} = {{ domain }} or right({{ host }}, length({{ domain }}) + 1) = '.' || {{ domain }})
{%- endmacro %}
