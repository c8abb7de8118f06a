{%- set claims = {'source': 'dataforseo_serp', 'tables': ['task', 'result']} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[
            {'columns': ['property_key', 'day']},
            {'columns': ['property_key', 'keyword_key', 'day']},
        ],
    )
}}

{%- set check = 'property_key, day, keyword_key, engine, locale, device' %}

with claimed as (
    {{ claimed_days(claims) }}
),

tasks as (
    select task.*
    from {{ ref('stg_dataforseo_serp__task') }} as task
    {{ join_days('task') }}
),

results as (
    select
        result.*,
        row_number() over (
            partition by result.property_key, result.day, result.keyword_key, result.locale, result.device
            order by result.item_no
        ) as kept_no
    from {{ ref('stg_dataforseo_serp__result') }} as result
    {{ join_days('result') }}
),

properties as (
    select property_key, domain from {{ ref('stg_ops__property') }}
),

published_results as (
    select property_key, day
    from {{ ref('stg_ops__publication') }}
    where source = 'dataforseo_serp' and table_name = 'result'
),

result_pages as (
    select
        {{ check }},
        count(*) as kept_item_count,
        coalesce(max(group_position) filter (where item_type = 'organic'), 0) as last_position,
        coalesce(max(absolute_position), 0) as last_absolute_position
    from results
    group by {{ check }}
),

own_results as (
    select results.*
    from results
    inner join properties on properties.property_key = results.property_key
    where
        results.item_type = 'organic'
        and results.group_position is not null
        and {{ is_host_of('results.host', 'properties.domain') }}
),

best_results as (
    select distinct on ({{ check }})
        {{ check }},
        group_position as position,
        absolute_position,
        url as ranking_url,
        page_key as ranking_page_key,
        -- A row missing before it could have been a better result of the property.
        kept_no = item_no as is_best_for_certain
    from own_results
    order by {{ check }}, group_position, item_no
),

judged as (
    select
        tasks.*,
        best_results.position,
        best_results.absolute_position,
        best_results.ranking_url,
        best_results.ranking_page_key,
        coalesce(result_pages.kept_item_count, 0) as kept_item_count,
        coalesce(result_pages.last_position, 0) as last_position,
        coalesce(result_pages.last_absolute_position, 0) as last_absolute_position,
        case
            when tasks.status_code is null or tasks.status_code not in (20000, 40102) then 'failed'
            when tasks.status_code = 40102 then 'not_found'
            when best_results.is_best_for_certain then 'found'
            when tasks.item_count is null or published_results.day is null then 'truncated'
            when coalesce(result_pages.kept_item_count, 0) < tasks.item_count then 'truncated'
            when best_results.position is not null then 'found'
            else 'not_found'
        end as state
    from tasks
    left join result_pages
        on result_pages.property_key = tasks.property_key
        and result_pages.day = tasks.day
        and result_pages.keyword_key = tasks.keyword_key
        and result_pages.engine = tasks.engine
        and result_pages.locale = tasks.locale
        and result_pages.device = tasks.device
    left join best_results
        on best_results.property_key = tasks.property_key
        and best_results.day = tasks.day
        and best_results.keyword_key = tasks.keyword_key
        and best_results.engine = tasks.engine
        and best_results.locale = tasks.locale
        and best_results.device = tasks.device
    left join published_results
        on published_results.property_key = tasks.property_key
        and published_results.day = tasks.day
),

-- The vendor reads pages of ten until the depth is reached. A page that ends earlier was read to its end only if the
-- engine has no more results; otherwise "not found" holds to the last organic place seen and no further.
measured as (
    select
        *,
        case
            when state not in ('found', 'not_found') then null
            when state = 'found' or status_code = 40102 then asked_depth
            when greatest(last_absolute_position, item_count) > asked_depth - 10 then asked_depth
            when claimed_result_count <= item_count and (claimed_result_count > 0 or item_count = 0) then asked_depth
            else last_position
        end as depth
    from judged
)

select
    property_key,
    day,
    keyword_key,
    keyword,
    engine,
    location_code,
    language_code,
    locale,
    device,
    state,
    depth,
    asked_depth,
    case when state = 'found' then position end as position,
    case when state = 'found' then absolute_position end as absolute_position,
    case when state = 'found' then ranking_url end as ranking_url,
    case when state = 'found' then ranking_page_key end as ranking_page_key,
    case when state = 'failed' then status_message end as failure,
    observed_at
from measured
