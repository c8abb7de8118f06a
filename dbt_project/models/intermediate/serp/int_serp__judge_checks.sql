{%- set claims = {'kinds': ['checks', 'results']} -%}
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

with
    claimed as ({{ claimed_days(claims) }}),

    tasks as (
        select task.*
        from {{ ref('stg_dataforseo_serp__task') }} as task {{ join_days('task', claims=claims) }}
    ),

    results as (
        select
            result.*,
            row_number() over (
                partition by
                    result.property_key,
                    result.day,
                    result.keyword_key,
                    result.locale,
                    result.device
                order by result.item_no
            ) as kept_no
        from
            {{ ref('stg_dataforseo_serp__result') }}
            as result {{ join_days('result', claims=claims) }}
    ),

    properties as (select property_key, domain from {{ ref('stg_ops__property') }}),

    published_results as (
        select property_key, day
        from {{ ref('stg_ops__publication') }}
        where source = 'dataforseo_serp' and table_name = 'result'
    ),

    own_results as (
        select
            results.*,
            coalesce(
                results.item_type = 'organic'
                and results.group_position is not null
                and {{ is_host_of('results.host', 'properties.domain') }},
                false
            ) as is_own
        from results
        inner join properties on properties.property_key = results.property_key
    ),

    -- One row for each result page, so that the checks are joined once: a chain of joins on six
    -- columns is planned as if it kept one row.
    result_pages as (
        select
            {{ check }},
            count(*) as kept_item_count,
            max(absolute_position) as last_absolute_position,
            {%- for column in ['group_position', 'absolute_position', 'url', 'page_key'] %}
                (array_agg({{ column }} order by group_position, item_no) filter (where is_own))[
                    1
                ] as best_{{ column }},
            {%- endfor %}
            -- A row missing before it could have been a better result of the property.
            (array_agg(kept_no = item_no order by group_position, item_no) filter (where is_own))[
                1
            ] as is_best_for_certain
        from own_results
        group by {{ check }}
    ),

    joined as (
        select
            tasks.*,
            result_pages.best_group_position as position,
            result_pages.best_absolute_position as absolute_position,
            result_pages.best_url as ranking_url,
            result_pages.best_page_key as ranking_page_key,
            result_pages.is_best_for_certain,
            coalesce(result_pages.kept_item_count, 0) as kept_item_count,
            coalesce(result_pages.last_absolute_position, 0) as last_absolute_position,
            exists (
                select 1
                from published_results
                where
                    published_results.property_key = tasks.property_key
                    and published_results.day = tasks.day
            ) as is_result_published
        from tasks
        left join
            result_pages
            on result_pages.property_key = tasks.property_key
            and result_pages.day = tasks.day
            and result_pages.keyword_key = tasks.keyword_key
            and result_pages.engine = tasks.engine
            and result_pages.locale = tasks.locale
            and result_pages.device = tasks.device
    ),

    measured as (
        select
            *,
            is_result_published and kept_item_count >= item_count as is_whole,
            -- The vendor reads pages of about ten until it has the depth, so its last place is
            -- rarely the very depth. A result page that stops well before was read to its end only
            -- if the engine says that it has no more.
            greatest(last_absolute_position, item_count) >= 0.9 * depth
            or (depth <= 10 and item_count > 0)
            or (
                claimed_result_count <= item_count and (claimed_result_count > 0 or item_count = 0)
            ) as is_to_its_end
        from joined
    ),

    judged as (
        select
            *,
            case
                when status_code is null or status_code not in (20000, 40102)
                then 'failed'
                when status_code = 40102
                then 'not_found'
                when is_best_for_certain
                then 'found'
                when not coalesce(is_whole, false)
                then 'truncated'
                when position is not null
                then 'found'
                when is_to_its_end
                then 'not_found'
                else 'truncated'
            end as state
        from measured
    ),

    exported as (
        select
            ranking.property_key,
            ranking.day,
            ranking.keyword_key,
            ranking.keyword,
            coalesce(ranking.engine, 'unknown') as engine,
            countries.location_code,
            ranking.language_code,
            coalesce(countries.location_code::text, ranking.country, 'unknown')
            || '-'
            || coalesce(ranking.language_code, 'unknown') as locale,
            coalesce(ranking.device, 'unknown') as device,
            ranking.part as origin,
            ranking.state,
            ranking.depth,
            ranking.position,
            ranking.ranking_url,
            ranking.ranking_page_key,
            ranking.exported_at
        from {{ ref('stg_exports__ranking') }} as ranking {{ join_days('ranking', claims=claims) }}
        inner join properties on properties.property_key = ranking.property_key
        left join {{ ref('countries') }} as countries on countries.country = ranking.country
        -- What ranks on somebody else's host is not the property's position.
        where
            ranking.ranking_host is null
            or {{ is_host_of('ranking.ranking_host', 'properties.domain') }}
    ),

    -- A later export stands before an earlier one, and our own check before all.
    latest_exported as (
        select distinct on ({{ check }}) *
        from exported
        order by {{ check }}, exported_at desc, origin
    ),

    missing as (
        select latest_exported.*
        from latest_exported
        left join
            tasks
            on tasks.property_key = latest_exported.property_key
            and tasks.day = latest_exported.day
            and tasks.keyword_key = latest_exported.keyword_key
            and tasks.engine = latest_exported.engine
            and tasks.locale = latest_exported.locale
            and tasks.device = latest_exported.device
        where tasks.property_key is null
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
    'dataforseo' as origin,
    state,
    depth,
    case when state = 'found' then position end as position,
    case when state = 'found' then absolute_position end as absolute_position,
    case when state = 'found' then ranking_url end as ranking_url,
    case when state = 'found' then ranking_page_key end as ranking_page_key,
    case when state = 'failed' then status_message end as failure,
    observed_at
from judged
union all
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
    origin,
    state,
    depth,
    case when state = 'found' then position end,
    null,
    case when state = 'found' then ranking_url end,
    case when state = 'found' then ranking_page_key end,
    case when state = 'failed' then 'The export says so.' end,
    exported_at
from missing
