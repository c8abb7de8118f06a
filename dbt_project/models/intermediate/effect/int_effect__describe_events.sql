{{ config(materialized='table', indexes=[{'columns': ['property_key', 'event_key'], 'unique': True}]) }}
{#- PostgreSQL's text search configurations by language; simple does not stem. A tsvector holds a megabyte: so many letters are read. -#}
{%- set languages = {
    'ar': 'arabic', 'da': 'danish', 'de': 'german', 'en': 'english', 'es': 'spanish', 'fi': 'finnish',
    'fr': 'french', 'hu': 'hungarian', 'it': 'italian', 'nl': 'dutch', 'no': 'norwegian', 'pt': 'portuguese',
    'ro': 'romanian', 'ru': 'russian', 'sv': 'swedish', 'tr': 'turkish',
} %}
{%- set read = 100000 %}

with
    events as (
        select
            judged.property_key,
            judged.event_key,
            judged.event_date,
            judged.page_key,
            link_event.witness,
            link_event.source_domain_key,
            link_event.authority,
            link_event.is_first_from_domain,
            nullif(btrim(left(link_event.anchor, {{ read }})), '') as anchor,
            links.item_type,
            nullif(btrim(left(links.source_title, {{ read }})), '') as source_title
        from {{ ref('int_link__judge_events') }} as judged
        inner join
            {{ ref('fct_link_event') }} as link_event
            on link_event.property_key = judged.property_key
            and link_event.event_key = judged.event_key
        left join
            {{ ref('int_link__describe_links') }} as links
            on links.property_key = judged.property_key
            and links.link_key = judged.link_key
        where judged.is_event and judged.arm is not null
    ),

    -- The vendor's rank of the domain as last read on or before the event. A domain that is new to
    -- the vendor was never read before: then as it was told with the event.
    readings as (
        select distinct
            on (events.property_key, events.event_key)
            events.property_key,
            events.event_key,
            reading.authority
        from events
        inner join
            {{ ref('int_domain__read_authority') }} as reading
            on reading.property_key = events.property_key
            and reading.vendor = events.witness
            and reading.domain_key = events.source_domain_key
            and reading.day <= events.event_date
        order by events.property_key, events.event_key, reading.day desc
    ),

    rated as (
        select events.*, coalesce(readings.authority, events.authority) as known_authority
        from events
        left join
            readings
            on readings.property_key = events.property_key
            and readings.event_key = events.event_key
    ),

    terciles as (
        select
            property_key,
            witness,
            percentile_disc(array[1.0 / 3, 2.0 / 3]) within group (
                order by known_authority
            ) as bounds
        from rated
        where known_authority is not null
        group by property_key, witness
    ),

    properties as (
        select
            property_key,
            lower(domain) as domain,
            lower(split_part(domain, '.', 1)) as brand,
            (
                case
                    language_code
                    {%- for code, name in languages.items() %}
                        when '{{ code }}' then '{{ name }}'
                    {%- endfor %}
                    else 'simple'
                end
            )::regconfig as language
        from {{ ref('dim_property') }}
    ),

    keywords as (
        select property_key, keyword_key, keyword, coalesce(is_brand, false) as is_brand
        from {{ ref('int_serp__state_keywords') }}
    ),

    brands as (
        select property_key, array_agg(lower(btrim(keyword))) as brands
        from keywords
        where is_brand
        group by property_key
    ),

    -- The keywords frozen for the event. A brand's name says nothing of what a page is about.
    event_keywords as (
        select
            changes.property_key,
            changes.event_key,
            array_agg(distinct lower(btrim(keywords.keyword))) as keywords,
            tsvector_to_array(
                to_tsvector(
                    properties.language, left(string_agg(keywords.keyword, ' '), {{ read }})
                )
            ) as words
        from {{ ref('fct_link_rank_change') }} as changes
        inner join
            keywords
            on keywords.property_key = changes.property_key
            and keywords.keyword_key = changes.keyword_key
        inner join properties on properties.property_key = changes.property_key
        where changes.window_name = 'headline' and not keywords.is_brand
        group by changes.property_key, changes.event_key, properties.language
    ),

    worded as (
        select
            rated.*,
            terciles.bounds,
            event_keywords.keywords,
            event_keywords.words,
            lower(rated.anchor) as lower_anchor,
            tsvector_to_array(
                to_tsvector(properties.language, coalesce(rated.anchor, ''))
            ) as anchor_words,
            tsvector_to_array(
                to_tsvector(properties.language, coalesce(rated.source_title, ''))
            ) as title_words,
            properties.domain,
            array_append(brands.brands, properties.brand) as brands
        from rated
        inner join properties on properties.property_key = rated.property_key
        left join
            terciles
            on terciles.property_key = rated.property_key
            and terciles.witness = rated.witness
        left join
            event_keywords
            on event_keywords.property_key = rated.property_key
            and event_keywords.event_key = rated.event_key
        left join brands on brands.property_key = rated.property_key
    ),

    typed as (
        select
            *,
            exists (
                select 1
                from unnest(brands) as brand(name)
                where length(brand.name) > 2 and position(brand.name in lower_anchor) > 0
            ) as is_branded
        from worded
    )

select
    property_key,
    event_key,
    known_authority,
    case
        when known_authority is null
        then 'unknown'
        when known_authority <= bounds[1]
        then 'low'
        when known_authority <= bounds[2]
        then 'middle'
        else 'high'
    end as authority_level,
    case when is_first_from_domain then 'yes' else 'no' end as first_from_domain_level,
    case
        when words is null or (anchor is null and source_title is null)
        then 'unknown'
        when words && anchor_words or words && title_words
        then 'yes'
        else 'no'
    end as relevance_level,
    case
        when item_type = 'image'
        then 'image'
        when anchor is null
        then 'unknown'
        when lower_anchor ~ '^(https?://|www\.)' or position(domain in lower_anchor) > 0
        then 'url'
        when lower_anchor = any(keywords)
        then 'exact'
        when is_branded
        then 'brand'
        when words && anchor_words
        then 'partial'
        else 'other'
    end as anchor_type_level
from typed
