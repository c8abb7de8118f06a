{%- set claims = {'kinds': ['links']} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        meta={'claims': claims},
        indexes=[
            {'columns': ['property_key', 'day']},
            {'columns': ['property_key', 'link_key', 'witness', 'day'], 'unique': True},
        ],
    )
}}

with
    claimed as ({{ claimed_days(claims) }}),

    -- What int_link__read_backlinks is, which would be one model more on the longest way there is.
    backlinks as (
        select backlink.*
        from ({{ read_backlinks() }}) as backlink {{ join_days('backlink', claims=claims) }}
    ),

    items as (
        select
            backlinks.*,
            {{ key64(
                'backlinks.property_key::text',
                'backlinks.source_url',
                "coalesce(backlinks.target_url, '')",
            ) }} as link_key,
            {{ key64(
            "coalesce(backlinks.item_type, '')",
            "coalesce(backlinks.anchor, '')",
            "coalesce(backlinks.image_alt, '')",
            "coalesce(backlinks.image_url, '')",
        ) }} as item_key,
            coalesce(
                nullif(backlinks.anchor, ''), nullif(backlinks.image_alt, ''), backlinks.anchor
            ) as anchor_text,
            -- A set as text, so that it can be compared and folded: '' is followed, NULL unknown.
            case
                when backlinks.rel && array['nofollow', 'sponsored', 'ugc']
                then
                    array_to_string(
                        array(
                            select token
                            from unnest(backlinks.rel) as token
                            where token in ('nofollow', 'sponsored', 'ugc')
                            order by token
                        ),
                        ' '
                    )
                when backlinks.is_followed
                then ''
                -- Without a token of its own the link is kept from passing by its page (robots
                -- nofollow).
                when not backlinks.is_followed
                then 'nofollow'
                when backlinks.rel is not null
                then ''
            end as rel_set,
            -- The vendor's clock may run ahead of the night. least() would put the night in the
            -- place of NULL.
            case
                when backlinks.first_seen_at is not null
                then least((backlinks.first_seen_at at time zone 'UTC')::date, backlinks.day)
            end as first_seen_date,
            (backlinks.previous_seen_at at time zone 'UTC')::date as previous_visit_date,
            case
                when backlinks.last_seen_at is not null
                then least((backlinks.last_seen_at at time zone 'UTC')::date, backlinks.day)
            end as visit_date
        from backlinks
    ),

    -- A live link is known again by its first sight, and by its place among those first seen at
    -- the same visit: its words may change from night to night. Those of a lost one are as they
    -- were last.
    placed as (
        select
            *,
            dense_rank() over (
                partition by property_key, witness, link_key, day, first_seen_at, is_live
                order by item_key
            ) as place_no
        from items
    ),

    -- Several links of one page to one target are one link: live if any is, followed if any live
    -- one is, and else it speaks with the words of the one that was seen first.
    folded as (
        select
            property_key,
            witness,
            link_key,
            day,
            (array_agg(source_url order by source_url))[1] as source_url,
            (array_agg(source_page_key order by source_url))[1] as source_page_key,
            (array_agg(source_domain order by source_url))[1] as source_domain,
            (array_agg(source_domain_key order by source_url))[1] as source_domain_key,
            (
                array_agg(
                    literal_target_url order by is_live desc, first_seen_at, literal_target_url
                )
            )[1] as literal_target_url,
            (array_agg(target_url order by target_url))[1] as target_url,
            (array_agg(target_page_key order by target_url))[1] as page_key,
            bool_or(is_live) as is_live,
            bool_or(is_live and is_pair_shown) as is_pair_shown,
            coalesce(
                array_agg(
                    distinct
                    {{ key64("coalesce((first_seen_at at time zone 'UTC')::text, '')", 'place_no::text') }}
                ) filter (where is_live),
                '{}'
            ) as live_item_keys,
            coalesce(
                array_agg(distinct item_key) filter (where not is_live), '{}'
            ) as lost_item_keys,
            min(first_seen_date) as first_seen_date,
            max(visit_date) filter (where is_live) as visit_date,
            max(coalesce(visit_date, day)) filter (where not is_live) as lost_date,
            max(previous_visit_date) filter (where not is_live) as visit_before_loss_date,
            case
                when bool_or(rel_set = '' and is_live)
                then ''
                -- One of them may be followed.
                when bool_or(rel_set is null and is_live)
                then null
                else
                    (
                        array_agg(
                            rel_set order by is_live desc, first_seen_at, anchor_text, item_key
                        ) filter (where rel_set is not null)
                    )[1]
            end as rel_set,
            (
                array_agg(
                    anchor_text order by is_live desc, first_seen_at, anchor_text, item_key
                ) filter (where anchor_text is not null)
            )[1] as anchor,
            (array_agg(item_type order by is_live desc, first_seen_at, anchor_text, item_key))[
                1
            ] as item_type,
            max(source_domain_authority) as source_domain_authority,
            {%- for trait in link_traits() %} max({{ trait }}) as {{ trait }}, {%- endfor %}
            (array_agg(source_title order by is_live desc, first_seen_at, anchor_text, item_key))[
                1
            ] as source_title
        from placed
        group by property_key, witness, link_key, day
    )

select *
from folded
