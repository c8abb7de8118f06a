{{ config(materialized='table', indexes=[{'columns': ['property_key', 'anchor_key']}]) }}

with
    -- None as well: a link of which nobody tells the words has that.
    anchors as (
        select distinct property_key, {{ plain_anchor('last_anchor') }} as anchor
        from {{ ref('int_link__find_spans') }}
        union
        select distinct property_key, ''
        from {{ ref('int_link__find_spans') }}
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
    end as anchor_type
from worded
