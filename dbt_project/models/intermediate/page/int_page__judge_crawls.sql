{{ config(materialized='ephemeral') }}

with
    directed as (
        select
            *,
            exists (
                select 1
                from unnest(array_cat(meta_robots, x_robots_tag)) as directive
                where directive ~ '^(googlebot\s*:\s*)?(noindex|none)$'
            ) as is_noindex,
            -- By an instant refresh the page itself answers, with 200.
            status_code between 300 and 399
            or (status_code = 200 and coalesce(redirect_count, 0) > 0) as is_redirect
        from {{ ref('int_page__read_crawls') }}
    )

select
    *,
    case
        when not is_robots_allowed
        then 'blocked_by_robots'
        when status_code is null
        then 'unread'
        when is_redirect
        then 'redirect'
        when status_code between 400 and 499
        then 'client_error'
        when status_code >= 500
        then 'server_error'
        when status_code <> 200
        then 'other_status'
        when is_noindex
        then 'noindex'
        when canonical_page_key <> page_key
        then 'canonicalised'
        else 'indexable'
    end as indexability,
    status_code = 200 and content_hash is not null as has_content,
    is_redirect or status_code in (404, 410) as is_gone
from directed
