with
    collected as (select * from {{ ref('int_page__collect_pages') }}),

    stated as (select * from {{ ref('int_serp__state_keywords') }}),

    rules as (select * from {{ ref('stg_ops__topic_rule') }}),

    pages as (
        select property_key, page_key, url
        from collected
        union
        select property_key, page_key, page_url
        from stated
        where page_key is not null
        union
        select property_key, page_key, page_url
        from {{ ref('int_page__version_pages') }}
    ),

    paths as (select *, {{ url_host('url') }} as host, {{ url_path('url') }} as path from pages),

    ruled as (
        select distinct
            on (paths.property_key, paths.page_key)
            paths.property_key,
            paths.page_key,
            rules.topic,
            rules.rule_no
        from paths
        inner join rules on rules.property_key = paths.property_key and paths.path ~ rules.pattern
        order by paths.property_key, paths.page_key, rules.rule_no
    ),

    exported as (
        select distinct on (property_key, page_key) property_key, page_key, topic
        from {{ ref('int_page__read_facts') }}
        where topic is not null
        order by property_key, page_key, day desc, observed_at desc, origin, url
    ),

    named as (
        select
            paths.*,
            ruled.rule_no,
            case
                when ruled.topic is not null
                then ruled.topic
                when exported.topic is not null
                then exported.topic
                when paths.path is null
                then 'unknown'
                when paths.path ~ '^/+$'
                then 'home'
                else substring(paths.path from '^/+([^/]+)')
            end as topic,
            case
                when ruled.topic is not null
                then 'rule'
                when exported.topic is not null
                then 'export'
                else 'path'
            end as topic_source
        from paths
        left join
            ruled on ruled.property_key = paths.property_key and ruled.page_key = paths.page_key
        left join
            exported
            on exported.property_key = paths.property_key
            and exported.page_key = paths.page_key
    )

select
    named.property_key,
    named.page_key,
    named.url,
    named.host,
    named.path,
    {{ bounded('named.topic', 1000) }} as topic,
    named.topic_source,
    named.rule_no as topic_rule_no,
    {{ page_as_of('named', 'page_key') }} as current_page_key,
    {{ page_as_of('named', 'page_key') }} = named.page_key as is_current
from named {{ join_page_version('named', 'page_key', "date '9999-12-31'") }}
