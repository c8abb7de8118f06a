{#-
An incremental model says what it is built from, once:

    {%- set claims = {'source': 'dataforseo_serp', 'tables': ['task', 'result'], 'days_after': 28} -%}
    {{ config(materialized='incremental', incremental_strategy='append', meta={'claims': claims}) }}
    with claimed as ({{ claimed_days(claims) }}), ...

days_after (days_before) is the model's reach: how many later (earlier) days of the model a published day changes.
claimed_days(claims) is then the set of (property_key, day) to rebuild; the project's pre-hook deletes the same set from
the table inside the model's transaction, so that a day which became empty loses its rows, and dbt appends. Without an
argument the config's claims are taken, but a dbt unit test has no config: only give it up where there is none.
A table that is new, or built with --full-refresh, or a build_id of 0, takes every published day.
-#}
{% macro claimed_days(claims=none) -%}
    {%- if not execute -%}
        {#- While dbt parses, and for sqlfluff, neither config nor relations are there: only what is read is named. -#}
        {%- do source('ops', 'publication') -%}
        {%- do source('ops', 'build_day') -%}
        select null::integer as property_key, null::date as day
    {%- else -%}
        {%- set claims = claims or config.get('meta')['claims'] -%}
        {%- set before = claims.get('days_before', 0) -%}
        {%- set after = claims.get('days_after', 0) -%}
        {%- if is_incremental() and var('build_id') | int != 0 -%}
            select distinct
                claimed.property_key,
                {% if before or after %}claimed.day + shift.days as day{% else %}claimed.day{% endif %}
            from {{ source('ops', 'build_day') }} as claimed
            {% if before or after %}cross join generate_series({{ -before }}, {{ after }}) as shift (days){% endif %}
            where
                claimed.build_id = {{ var('build_id') | int }}
                and {{ _is_claimed_table('claimed', claims) }}
        {%- else -%}
            select distinct claimed.property_key, claimed.day
            from {{ source('ops', 'publication') }} as claimed
            where claimed.is_current and {{ _is_claimed_table('claimed', claims) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{% macro _is_claimed_table(alias, claims) -%}
    {{ alias }}.source = '{{ claims['source'] }}' and {{ alias }}.table_name in ('{{ claims['tables'] | join("', '") }}')
{%- endmacro %}

{#-
Keeps of `alias` the rows of the days in the CTE `days` (columns property_key, day). The bounds let PostgreSQL skip
months of a partitioned table, which the join alone does not.
-#}
{% macro join_days(alias, days='claimed') -%}
    inner join {{ days }}
        on {{ days }}.property_key = {{ alias }}.property_key
        and {{ days }}.day = {{ alias }}.day
        and {{ alias }}.day >= (select min(day) from {{ days }})
        and {{ alias }}.day <= (select max(day) from {{ days }})
{%- endmacro %}

{#- The project's pre-hook: see claimed_days. Does nothing for models without claims, and for new tables. -#}
{% macro replace_claimed_days() -%}
    {%- if execute and config.get('materialized') == 'incremental' and is_incremental() -%}
        {%- set claims = (config.get('meta') or {}).get('claims') -%}
        {%- if claims -%}
            delete from {{ this }} as stale
            using ({{ claimed_days(claims) }}) as claimed
            where stale.property_key = claimed.property_key and stale.day = claimed.day
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
