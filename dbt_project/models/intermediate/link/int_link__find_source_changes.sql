{{ config(materialized='table', indexes=[{'columns': ['property_key', 'link_key']}]) }}

with
    -- What a night's visits say of the page, once for a link that they met there.
    nights as (
        {% for event_type, condition in [
            ('source_unindexed', 'is_noindex'), ('source_canonicalised', 'is_canonicalised'),
        ] %}
            {{ 'union all' if not loop.first }}
            select
                property_key,
                link_key,
                '{{ event_type }}' as event_type,
                day,
                bool_or({{ condition }}) as is_so,
                (array_agg(array_to_string(rel, ' ') order by target_page_key))[1] as rel_set,
                (array_agg(anchor order by target_page_key))[1] as anchor
            from {{ ref('fct_link_check') }}
            where is_asked and presence = 'present' and {{ condition }} is not null
            group by property_key, link_key, day
        {% endfor %}
    ),

    compared as (
        select *, lag(is_so) over link_nights as was_so, lag(day) over link_nights as previous_day
        from nights
        window link_nights as (partition by property_key, link_key, event_type order by day)
    ),

    changes as (select * from compared where is_so and not was_so),

    links as (select * from {{ ref('int_link__describe_links') }})

select
    changes.property_key,
    changes.link_key,
    changes.event_type,
    changes.day as event_date,
    changes.previous_day as earliest_date,
    changes.day as observed_date,
    {{ visiting_witness() }} as witness,
    changes.rel_set,
    changes.anchor,
    links.source_page_key,
    {{ linking_key('links') }} as linking_key,
    {{ page_as_of('links', 'page_key') }} as page_key
from changes
inner join
    links on links.property_key = changes.property_key and links.link_key = changes.link_key
    {{ join_page_version('links', 'page_key', 'changes.day') }}
