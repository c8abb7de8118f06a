{#- Host of a normalised URL; NULL where it is no URL. No regular expression: it took a third of what reading a rank check did. -#}
{% macro url_host(normalised) -%}
    case
        when {{ normalised }} like 'http://%' or {{ normalised }} like 'https://%'
        then
            nullif(
                split_part(split_part(split_part(split_part({{ normalised }}, '/', 3), ':', 1), '?', 1), '#', 1), ''
            )
    end
{%- endmacro %}

{#- Path of a normalised URL, from its slash, without query; NULL where it is no URL. -#}
{% macro url_path(normalised) -%}
    substring({{ normalised }} from '^https?://[^/?#]+(/[^?#]*)')
{%- endmacro %}

{#- Whether a host is a property's: the domain it states, or a host below it. -#}
{% macro is_host_of(host, domain) -%}
    ({{ host }} = {{ domain }} or right({{ host }}, length({{ domain }}) + 1) = '.' || {{ domain }})
{%- endmacro %}

{#-
What spellings of one page have in common: without scheme, a leading www., the file that stands for its folder, and one
slash at the end. It groups and never merges: m. and amp. are pages of their own. `url` is normalised, its host in lower case.
-#}
{% macro url_shape(url) -%}
    regexp_replace(
        regexp_replace({{ url }}, '^https?://(www\.)?', ''),
        '^([^?]*?)(/(index\.(html|htm|php)|default\.aspx)?)?(?=$|\?)',
        '\1',
        'i'
    )
{%- endmacro %}

{#-
The network of an IP address written as text: its /24, of IPv6 its /48; NULL where it is none. Nothing is cast: PostgreSQL 15
would end the statement where a vendor writes 999.1.1.1.
-#}
{% macro network_of(address) -%}
    case
        when {{ address }} ~ '^((25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})([.]|$)){4}$' and {{ address }} ~ '[0-9]$'
        then substring({{ address }} from '^[0-9]+[.][0-9]+[.][0-9]+') || '.0/24'
        when {{ address }} ~* '^[0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f]{1,4}:[0-9a-f:]+$'
        then lower(substring({{ address }} from '^[^:]+:[^:]+:[^:]+')) || '::/48'
        when {{ address }} ~* '^[0-9a-f]{1,4}:[0-9a-f]{1,4}::[0-9a-f:]*$'
        then lower(substring({{ address }} from '^[^:]+:[^:]+')) || '::/48'
    end
{%- endmacro %}
