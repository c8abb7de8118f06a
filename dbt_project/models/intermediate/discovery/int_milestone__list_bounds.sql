{{ config(materialized='table') }}

{#- A witness more is a model more in this list. -#}
{%- set witnesses = [
    'crawls', 'statements', 'requests', 'links', 'visits', 'looks', 'searches', 'checks',
] -%}
{%- for witness in witnesses %}
    {{ 'union all' if not loop.first }}
    select property_key, page_key, engine, milestone, after_date, by_date, witness, reason
    from {{ ref('int_milestone__date_' ~ witness) }}
{%- endfor %}
