{#- Gives each check of `alias` its series, of a CTE of that name. -#}
{% macro join_series(alias) -%}
    inner join series
        on series.property_key = {{ alias }}.property_key
        and series.keyword_key = {{ alias }}.keyword_key
        and series.engine = {{ alias }}.engine
        and series.locale = {{ alias }}.locale
        and series.device = {{ alias }}.device
{%- endmacro %}

{#- States of a check. -#}
{% macro check_states() -%} {{- return(['found', 'not_found', 'truncated', 'failed']) -}} {%- endmacro %}

{#- Checks expected in a window of so many days where two nights of checks are usually gap_days apart. -#}
{% macro expected_checks(begin_day, end_day, gap_days) -%}
    greatest(round(({{ end_day }} - {{ begin_day }} + 1)::numeric / {{ gap_days }}), 1)::integer
{%- endmacro %}

{#- Number of the ranked_days days that a day is in, counted from 1970-01-01, and of the day within them, from 0. -#}
{% macro block_of(day) -%} ({{ day }} - date '1970-01-01') / {{ var('ranked_days') | int }} {%- endmacro %}

{% macro day_of_block(day) -%} ({{ day }} - date '1970-01-01') % {{ var('ranked_days') | int }} {%- endmacro %}

{#- Blocks of so many days that hold a claimed day. -#}
{% macro claimed_blocks(claims) -%}
    select distinct claimed.property_key, {{ block_of('claimed.day') }} as block
    from ({{ claimed_days(claims) }}) as claimed
{%- endmacro %}

{#- Pre-hook of a model kept by blocks of days. -#}
{% macro replace_claimed_blocks(claims) -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} as stale
        {% if var('build_id') | int != 0 -%}
            using ({{ claimed_blocks(claims) }}) as claimed
            where stale.property_key = claimed.property_key and stale.block = claimed.block
        {%- endif %}
    {%- endif -%}
{%- endmacro %}
