with
    links as (
        select
            property_key,
            link_key,
            {{ linking_key('link') }} as linking_key,
            is_followed,
            item_type = 'image' as is_image,
            {{ plain_anchor('anchor') }} as anchor
        from {{ ref('dim_link') }} as link
        where state = 'live'
    ),

    anchors as (
        select
            property_key,
            anchor,
            coalesce(is_image, false) as is_image,
            count(*) as link_count,
            count(*) filter (where is_followed) as followed_link_count,
            count(distinct linking_key) as referring_domain_count
        from links
        group by property_key, anchor, coalesce(is_image, false)
    ),

    keywords as (
        select
            property_key,
            array_agg(lower(btrim(keyword))) filter (where not is_brand) as keywords,
            array_agg(lower(btrim(keyword))) filter (where is_brand) as brands,
            tsvector_to_array(
                to_tsvector(
                    'simple', left(string_agg(keyword, ' ') filter (where not is_brand), 100000)
                )
            ) as words
        from
            (
                select property_key, keyword, coalesce(is_brand, false) as is_brand
                from {{ ref('int_serp__state_keywords') }}
            ) as stated
        group by property_key
    ),

    worded as (
        select
            anchors.*,
            lower(properties.domain) as domain,
            array_append(keywords.brands, lower(split_part(properties.domain, '.', 1))) as brands,
            keywords.keywords,
            keywords.words
            && tsvector_to_array(to_tsvector('simple', anchors.anchor)) as is_sharing_a_word
        from anchors
        inner join
            {{ ref('dim_property') }} as properties
            on properties.property_key = anchors.property_key
        left join keywords on keywords.property_key = anchors.property_key
    )

select
    property_key,
    {{ key64('anchor') }} as anchor_key,
    anchor,
    case
        when is_image
        then 'image'
        when anchor = ''
        then 'unknown'
        when anchor ~ '^(https?://|www\.)' or position(domain in anchor) > 0
        then 'url'
        when anchor = any(keywords)
        then 'exact'
        when
            exists (
                select 1
                from unnest(brands) as brand(name)
                where length(brand.name) > 2 and position(brand.name in anchor) > 0
            )
        then 'brand'
        when is_sharing_a_word
        then 'partial'
        else 'other'
    end as anchor_type,
    link_count::integer as link_count,
    followed_link_count::integer as followed_link_count,
    referring_domain_count::integer as referring_domain_count
from worded
