{#- How a partner or campaign is known again, however its name is typed: in small letters, without what nobody can see. -#}
{% macro plain_name(column) -%}
    lower(btrim(regexp_replace(
        regexp_replace({{ column }}, '[\u0001-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]', '', 'g'),
        '\s+', ' ', 'g'
    )))
{%- endmacro %}
