{%- set claims = {'kinds': ['page_changes'], 'follows_pages': true} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[{'columns': ['property_key', 'page_key', 'day']}],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    changes as (
        select change.*
        from {{ ref('int_page__read_changes') }} as change {{ join_days('change', claims=claims) }}
    )

select
    changes.property_key,
    changes.day,
    {{ page_as_of('changes', 'page_key') }} as page_key,
    changes.kind,
    min(changes.origin) as origin
from changes {{ join_page_version('changes', 'page_key', 'changes.day') }}
group by changes.property_key, changes.day, {{ page_as_of('changes', 'page_key') }}, changes.kind
