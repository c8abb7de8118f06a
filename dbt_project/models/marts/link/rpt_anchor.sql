with
    links as (
        select
            property_key,
            {{ linking_key('link') }} as linking_key,
            is_followed,
            coalesce(item_type = 'image', false) as is_image,
            {{ key64(plain_anchor('anchor')) }} as anchor_key
        from {{ ref('dim_link') }} as link
        where state = 'live'
    ),

    anchors as (
        select
            property_key,
            anchor_key,
            is_image,
            count(*) as link_count,
            count(*) filter (where is_followed) as followed_link_count,
            count(distinct linking_key) as referring_domain_count
        from links
        group by property_key, anchor_key, is_image
    )

select
    anchors.property_key,
    anchors.anchor_key,
    types.anchor,
    case when anchors.is_image then 'image' else types.anchor_type end as anchor_type,
    anchors.link_count::integer as link_count,
    anchors.followed_link_count::integer as followed_link_count,
    anchors.referring_domain_count::integer as referring_domain_count
from anchors
inner join
    {{ ref('int_link__type_anchors') }} as types
    on types.property_key = anchors.property_key
    and types.anchor_key = anchors.anchor_key
