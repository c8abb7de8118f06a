{#- Windows of days around a link event in which visits are counted. Two days lie between: a crawler comes for the link. -#}
{% macro visit_windows() -%}
    {{- return({'earlier': (-56, -29), 'base': (-28, -1), 'window': (3, 30)}) -}}
{%- endmacro %}

{#- Quantile of Student's t, of the normal quantile `z`, to 1e-5 from nine degrees on (Abramowitz and Stegun 26.7.5). -#}
{% macro student_t(z, degrees) -%}
    {%- set terms = [
        (z ** 3 + z) / 4,
        (5 * z ** 5 + 16 * z ** 3 + 3 * z) / 96,
        (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / 384,
        (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / 92160,
    ] -%}
    (
        {{ z }}
        {%- for term in terms %}
            + {{ term }} / nullif({{ degrees }}, 0)::double precision ^ {{ loop.index }}
        {% endfor %}
    )
{%- endmacro %}
