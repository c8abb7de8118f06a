{{ config(materialized='table', indexes=[{'columns': ['property_key', 'link_key']}]) }}

with
    links as (select * from {{ ref('int_link__describe_links') }}),

    -- Where our last visit that came to a page was led within the domain; a canonical that has not
    -- the link is another page.
    visits as (
        select distinct
            on (property_key, source_page_key)
            property_key,
            source_page_key,
            source_domain,
            case
                when
                    is_canonicalised is not true
                    and {{ is_host_of(url_host('canonical_url'), 'source_domain') }}
                then canonical_url
                else final_url
            end as led_url
        from {{ ref('fct_link_check') }}
        where http_status = 200 and final_url is not null
        order by property_key, source_page_key, day desc, target_page_key
    ),

    proven as (
        select property_key, source_page_key, led_url
        from visits
        where {{ is_host_of(url_host('led_url'), 'source_domain') }}
    )

select
    links.property_key,
    links.link_key,
    {{ linking_key('links') }} as linking_key,
    {{ key64(
        'links.property_key::text',
        url_shape('coalesce(proven.led_url, links.source_url)'),
        page_as_of('links', 'page_key') ~ '::text',
    ) }} as link_group_key,
    proven.led_url is not null as is_group_proven
from links
left join
    proven
    on proven.property_key = links.property_key
    and proven.source_page_key = links.source_page_key
    {{ join_page_version('links', 'page_key', "date '9999-12-31'") }}
