with
    links as (
        select
            *,
            {{ page_key('source_url') }} as source_page_key,
            {{ page_key('target_url') }} as target_page_key
        from {{ source('link_check', 'link') }}
        where part = ''
    ),

    -- Two literal URLs may be one page; what was seen of the link stands before what was not.
    deduplicated as (
        select distinct on (property_key, day, source_page_key, target_page_key) *
        from links
        order by
            property_key,
            day,
            source_page_key,
            target_page_key,
            is_expected desc,
            array_position(array['present', 'absent', 'unknown'], presence),
            source_url,
            target_url
    )

select
    property_key,
    day,
    source_page_key,
    coalesce(source_url_normalised, source_url) as source_url,
    target_page_key,
    coalesce(target_url_normalised, target_url) as target_url,
    is_expected,
    presence,
    grade,
    reason,
    link_count,
    rel,
    anchor,
    place,
    coalesce(found_url_normalised, found_url) as found_url,
    is_rel_changed,
    is_anchor_changed,
    is_hidden,
    is_noindex,
    is_canonicalised,
    referrer_policy,
    observed_at
from deduplicated
