{%- set sorts = ['top_level_domain', 'network', 'country', 'language', 'platform', 'item_type', 'words', 'place'] -%}
{{ config(materialized='table') }}

with
    looks as ({{ link_looks() }}),

    lives as ({{ link_lives() }}),

    followed as (
        select
            lives.property_key,
            lives.link_key,
            lives.linking_key,
            lives.begin_date,
            lives.end_date,
            coalesce(substring(lower(links.source_domain) from '[^.]+$'), '') as top_level_domain,
            coalesce(links.item_type, '') as item_type,
            case
                when links.item_type = 'image'
                then 'image'
                when types.anchor_type <> 'unknown'
                then types.anchor_type
                else ''
            end as words,
            coalesce(links.place, '') as place,
            coalesce(links.source_network, '') as network,
            coalesce(links.source_country, '') as country,
            coalesce(links.source_language, '') as language,
            coalesce(links.source_platform, '') as platform
        from lives
        inner join
            {{ ref('dim_link') }} as links
            on links.property_key = lives.property_key
            and links.link_key = lives.link_key
        left join
            {{ ref('int_link__type_anchors') }} as types
            on types.property_key = links.property_key
            and types.anchor_key = {{ key64(plain_anchor('links.anchor')) }}
        where lives.rel_class = 'followed'
    ),

    counted as (
        select
            property_key,
            'domain' as dimension,
            'link' as weight,
            linking_key::text as class,
            link_key as counted_key,
            begin_date,
            end_date
        from followed
        {%- for dimension in sorts %}
            {%- for weight, counted in [('link', 'link_key'), ('domain', 'linking_key')] %}
                union all
                select
                    property_key,
                    '{{ dimension }}',
                    '{{ weight }}',
                    {{ dimension }},
                    {{ counted }},
                    begin_date,
                    end_date
                from followed
            {%- endfor %}
        {%- endfor %}
    ),

    stays as (
        {{ merged_lives('counted', ['property_key', 'dimension', 'weight', 'class', 'counted_key']) }}
    ),

    steps as (
        select property_key, dimension, weight, class, begin_date as day, 1 as step
        from stays
        union all
        select property_key, dimension, weight, class, end_date, -1
        from stays
        where end_date < 'infinity'
    ),

    -- What stood before anybody looked is the stock of the first month.
    dated as (
        select steps.*, date_trunc('month', greatest(steps.day, looks.first_day))::date as month
        from steps
        inner join looks on looks.property_key = steps.property_key
        where steps.day <= looks.last_day
    ),

    changes as (
        select property_key, dimension, weight, class, month, sum(step) as change
        from dated
        group by property_key, dimension, weight, class, month
    )

select
    property_key,
    dimension,
    weight,
    class,
    month,
    (sum(change) over (partition by property_key, dimension, weight, class order by month))::bigint
    as class_count
from changes
where change <> 0
