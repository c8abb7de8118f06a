{%- set claims = {'kinds': ['page_visits', 'link_looks']} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[
            {'columns': ['property_key', 'link_key', 'day']},
            {'columns': ['property_key', 'day']},
        ],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    looks as (
        select look.* from ({{ read_looks() }}) as look {{ join_days('look', claims=claims) }}
    ),

    visits as (
        select visit.* from ({{ read_visits() }}) as visit {{ join_days('visit', claims=claims) }}
    )

select
    looks.property_key,
    looks.source_page_key,
    looks.target_page_key,
    looks.observed_at as checked_at,
    looks.day,
    {{ key64('looks.property_key::text', 'looks.source_url', 'looks.target_url') }} as link_key,
    visits.due_reason,
    looks.is_expected,
    visits.is_asked,
    looks.presence,
    looks.grade,
    looks.reason,
    visits.status_code as http_status,
    visits.final_url,
    visits.redirect_count,
    visits.robots_state,
    looks.rel,
    cardinality(looks.rel) = 0 as is_followed,
    looks.anchor,
    looks.place,
    looks.link_count,
    looks.found_url,
    looks.is_rel_changed,
    looks.is_anchor_changed,
    looks.is_hidden,
    looks.is_noindex,
    visits.canonical_url,
    looks.is_canonicalised,
    looks.referrer_policy,
    visits.content_hash,
    visits.tag_ids,
    visits.response_ms as elapsed_ms,
    looks.source_url,
    visits.source_domain,
    visits.source_domain_key,
    visits.host,
    looks.target_url
from looks
inner join
    visits
    on visits.property_key = looks.property_key
    and visits.day = looks.day
    and visits.source_page_key = looks.source_page_key
