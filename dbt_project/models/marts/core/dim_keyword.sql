with
    stated as (select * from {{ ref('int_serp__state_keywords') }}),

    checked as (select * from {{ ref('int_serp__collect_keywords') }}),

    keywords as (
        select property_key, keyword_key, keyword
        from stated
        union
        select property_key, keyword_key, keyword
        from checked
    )

select
    keywords.property_key,
    keywords.keyword_key,
    keywords.keyword,
    coalesce(stated.is_tracked, false) as is_tracked,
    stated.is_brand,
    stated.topic,
    {{ page_as_of('stated', 'page_key') }} as target_page_key,
    stated.page_url as target_url
from keywords
left join
    stated
    on stated.property_key = keywords.property_key
    and stated.keyword_key = keywords.keyword_key
    {{ join_page_version('stated', 'page_key', "date '9999-12-31'") }}
