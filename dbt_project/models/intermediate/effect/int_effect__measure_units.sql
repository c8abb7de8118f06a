{%- set counts = ['check'] + check_states() %}

select
    property_key,
    event_date,
    cell_key,
    page_key,
    event_key,
    {%- for outcome in outcomes() %}
        {%- if outcome['of'] == 'checks' %}
            base_{{ outcome['name'] }}, {{ outcome['name'] }}_change,
        {%- else %}
            null::double precision as base_{{ outcome['name'] }},
            null::double precision as {{ outcome['name'] }}_change,
        {%- endif %}
    {%- endfor %}
    {%- for part in ['base', 'window'] %}
        {%- for count in counts %} {{ part }}_{{ count }}_count, {%- endfor %}
    {%- endfor %}
    sample_no,
    keyword_count,
    is_onpage_changed,
    is_onpage_unknown,
    role,
    topic
from {{ ref('int_effect__measure_check_units') }}
union all
select
    property_key,
    event_date,
    cell_key,
    page_key,
    event_key,
    {%- for outcome in outcomes() %}
        {%- if outcome['of'] == 'searches' %}
            base_{{ outcome['name'] }}, {{ outcome['name'] }}_change,
        {%- else %}
            null::double precision as base_{{ outcome['name'] }},
            null::double precision as {{ outcome['name'] }}_change,
        {%- endif %}
    {%- endfor %}
    {%- for part in ['base', 'window'] %}
        {%- for count in counts %} null::smallint as {{ part }}_{{ count }}_count, {%- endfor %}
    {%- endfor %}
    sample_no,
    1::smallint as keyword_count,
    is_onpage_changed,
    is_onpage_unknown,
    role,
    topic
from {{ ref('int_effect__measure_search_units') }}
