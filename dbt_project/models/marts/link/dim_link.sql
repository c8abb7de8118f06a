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

    lifespans as (select * from {{ ref('fct_link_lifespan') }}),

    -- What is no CDN's nor a large hoster's, as these publish, is taken for somebody's own.
    networks as (
        select told.property_key, told.source_network, coalesce(min(known.kind), 'own') as kind
        from
            (
                select distinct property_key, source_network
                from links
                where source_network is not null
            ) as told
        left join
            {{ ref('known_networks') }} as known on told.source_network::cidr && known.network::cidr
        group by told.property_key, told.source_network
    )

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
    coalesce(checks.place, links.place) as place,
    links.source_network,
    networks.kind as network_kind,
    links.source_country,
    links.source_language,
    links.source_platform,
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
left join
    networks
    on networks.property_key = links.property_key
    and networks.source_network = links.source_network
left join
    {{ ref('int_link__sum_checks') }} as checks
    on checks.property_key = links.property_key
    and checks.link_key = links.link_key
    {{ join_page_version('links', 'page_key', "date '9999-12-31'") }}
