{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_claimed_links() }}',
        indexes=[{'columns': ['property_key', 'link_key'], 'unique': True}],
    )
}}

with
    sightings as (
        select *
        from {{ ref('int_link__fold_sightings') }} as sighting
        where {{ is_link_claimed('sighting') }}
    ),

    described as (
        select distinct
            on (property_key, link_key)
            property_key,
            link_key,
            source_url,
            source_page_key,
            source_domain,
            source_domain_key,
            literal_target_url,
            target_url,
            page_key,
            item_type,
            source_title
        from sightings
        order by property_key, link_key, day desc, witness
    ),

    -- Of what few witnesses know the last word of any that does.
    known as (
        select
            property_key,
            link_key,
            {%- for trait in link_traits() %}
                (
                    array_agg({{ trait }} order by day desc, witness) filter (
                        where {{ trait }} <> ''
                    )
                )[1] as {{ trait }}{{ ',' if not loop.last }}
            {%- endfor %}
        from sightings
        group by property_key, link_key
    )

select
    described.*,
    {%- for trait in link_traits() %} known.{{ trait }}{{ ',' if not loop.last }} {%- endfor %}
from described
inner join
    known on known.property_key = described.property_key and known.link_key = described.link_key
