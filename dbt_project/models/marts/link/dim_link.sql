{{
    config(
        materialized='table',
        indexes=[
            {'columns': ['property_key', 'source_domain_key']},
        ],
    )
}}

with
    links as (select * from {{ ref('int_link__describe_links') }}),

    -- The last word of any witness that knows one.
    spans as (
        select
            property_key,
            link_key,
            {%- for column, known in [
                ('last_rel_set', 'last_rel_set'), ('last_anchor', 'last_anchor'), ('last_authority', 'last_authority'),
                ('witness', 'last_authority'),
            ] %}
                (
                    array_agg(
                        {{ column }}
                        order by coalesce(last_live_day, begin_day) desc, witness, span_no desc
                    ) filter (where {{ known }} is not null)
                )[1]
                as {{ 'authority_witness' if column == 'witness' else column }}{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ ref('int_link__find_spans') }}
        group by property_key, link_key
    ),

    lifespans as (select * from {{ ref('fct_link_lifespan') }})

select
    links.property_key,
    links.link_key,
    links.source_url,
    links.source_page_key,
    links.source_domain,
    links.source_domain_key,
    links.source_title,
    links.literal_target_url,
    links.target_url,
    {{ page_as_of('links', 'page_key') }} as page_key,
    links.item_type,
    string_to_array(spans.last_rel_set, ' ') as rel,
    spans.last_rel_set = '' as is_followed,
    spans.last_anchor as anchor,
    spans.last_authority as authority,
    spans.authority_witness,
    lifespans.state
from links
inner join spans on spans.property_key = links.property_key and spans.link_key = links.link_key
inner join
    lifespans on lifespans.property_key = links.property_key and lifespans.link_key = links.link_key
    {{ join_page_version('links', 'page_key', "date '9999-12-31'") }}
