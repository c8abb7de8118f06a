{{ config(materialized='view') }}

{%- for metric in metrics() %}
    select
        property_key,
        {{ metric.time }} as day,
        '{{ metric.name }}' as metric,
        ({{ metric.numerator }})::double precision as numerator,
        {%- if metric.denominator %}
            ({{ metric.denominator }})::double precision as denominator,
            ({{ metric.numerator }})::double precision
            / nullif({{ metric.denominator }}, 0) as value
        {%- else %}
            null::double precision as denominator,
            ({{ metric.numerator }})::double precision as value
        {%- endif %}
    from {{ ref(metric.mart) }}
    {%- if metric.join %}
        inner join {{ ref(metric.join.mart) }} using ({{ metric.join.using | join(', ') }})
    {%- endif %}
    group by property_key, {{ metric.time }}
    {%- if not loop.last %}
        union all
    {%- endif %}
{%- endfor %}
