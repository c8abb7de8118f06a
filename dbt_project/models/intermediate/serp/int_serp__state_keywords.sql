with
    tracked as (select * from {{ ref('stg_ops__tracked_keyword') }}),

    -- Of several files the last word on each fact stands; an empty cell says nothing.
    exported as (
        select
            property_key,
            keyword_key,
            min(keyword) as keyword,
            {%- for column in ['page_key', 'page_url', 'topic', 'is_brand'] %}
                (
                    array_agg({{ column }} order by day desc, observed_at desc, origin) filter (
                        where {{ column }} is not null
                    )
                )[1] as {{ column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('int_serp__read_keywords') }}
        group by property_key, keyword_key
    ),

    stated as (
        select property_key, keyword_key, keyword
        from tracked
        union
        select property_key, keyword_key, keyword
        from exported
    )

select
    stated.property_key,
    stated.keyword_key,
    stated.keyword,
    coalesce(tracked.page_key, exported.page_key) as page_key,
    coalesce(tracked.page_url, exported.page_url) as page_url,
    exported.topic,
    coalesce(tracked.is_brand, exported.is_brand) as is_brand,
    tracked.keyword_key is not null as is_tracked
from stated
left join
    tracked
    on tracked.property_key = stated.property_key
    and tracked.keyword_key = stated.keyword_key
left join
    exported
    on exported.property_key = stated.property_key
    and exported.keyword_key = stated.keyword_key
