with
    tracked as (select * from {{ ref('stg_ops__tracked_keyword') }}),

    checked as (select * from {{ ref('int_serp__collect_keywords') }}),

    keywords as (
        select property_key, keyword_key, keyword
        from tracked
        union
        select property_key, keyword_key, keyword
        from checked
    )

select
    keywords.property_key,
    keywords.keyword_key,
    keywords.keyword,
    tracked.keyword_key is not null as is_tracked,
    tracked.is_brand,
    {{ page_as_of('tracked', 'page_key') }} as target_page_key,
    tracked.page_url as target_url
from keywords
left join
    tracked
    on tracked.property_key = keywords.property_key
    and tracked.keyword_key = keywords.keyword_key
    {{ join_page_version('tracked', 'page_key', "date '9999-12-31'") }}
