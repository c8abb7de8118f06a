{#- How a partner or campaign is known again, however its name is typed: in small letters, without what nobody can see. -#}
{% macro plain_name(column) -%}
    lower(btrim(regexp_replace(
        regexp_replace({{ column }}, '[\u0001-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff]', '', 'g'),
        '\s+', ' ', 'g'
    )))
{%- endmacro %}

{#- Joins the dollars of one unit of a row's currency on a day; none stated is dollars. -#}
{% macro join_rate(row, day, rate='rate') -%}
    left join
        {{ ref('exchange_rates') }} as {{ rate }}
        on {{ rate }}.currency = coalesce({{ row }}.currency, 'USD')
        and {{ day }} >= {{ rate }}.valid_from_date
        and {{ day }} < {{ rate }}.valid_to_date
{%- endmacro %}

{#- The score interval of Wilson (1927) at 95 per cent for `hits` of `tries`; NULL without a try. `side` is - or +. -#}
{% macro wilson(hits, tries, side) -%}
    {%- set z = 1.959963984540054 -%}
    ((
        {{ hits }} + {{ z * z / 2 }} {{ side }} {{ z }} * sqrt(
            {{ hits }} * (1 - {{ hits }}::double precision / nullif({{ tries }}, 0)) + {{ z * z / 4 }}
        )
    ) / (nullif({{ tries }}, 0) + {{ z * z }}))
{%- endmacro %}

{#- A measure as it is published: to nine places, so that the order of a sum does not show. -#}
{% macro nine_places(value) -%} round(({{ value }})::numeric, 9)::double precision {%- endmacro %}

{#- Partners in campaigns, once for each cut and span in which they count. -#}
{% macro cut_pairs() -%}
    select pairs.*, cuts.cut, coalesce(cuts.level, '') as level, spans.span
    from {{ ref('int_relation__sum_pairs') }} as pairs
    inner join
        (
            select property_key, partner_key, min(partner_name) as partner_name
            from {{ ref('dim_partner') }}
            group by property_key, partner_key
        ) as partners
        on partners.property_key = pairs.property_key
        and partners.partner_key = pairs.partner_key
    cross join
        lateral(
            values
                ('all', ''),
                ('kind', pairs.kind),
                ('campaign', pairs.campaign_name),
                ('partner', partners.partner_name)
        ) as cuts(cut, level)
    inner join
        (values ('90', 90), ('365', 365), ('all', null)) as spans(span, days)
        on spans.days is null
        or pairs.age_days < spans.days
{%- endmacro %}

{#- Of pairs of placements and links of one grade those that are nearest to each other, and whether nothing else is as near. -#}
{% macro nearest_pairs(pairs) -%}
    select
        ranked.property_key,
        ranked.placement_key,
        ranked.link_key,
        ranked.placement_tie_count = 1 and ranked.link_tie_count = 1 as is_sole
    from
        (
            select
                {{ pairs }}.*,
                rank() over (partition by property_key, placement_key order by distance) as of_placement,
                rank() over (partition by property_key, link_key order by distance) as of_link,
                count(*) over (partition by property_key, placement_key, distance) as placement_tie_count,
                count(*) over (partition by property_key, link_key, distance) as link_tie_count
            from {{ pairs }}
        ) as ranked
    where ranked.of_placement = 1 and ranked.of_link = 1
{%- endmacro %}

{#- Joins what earlier rounds took of both sides of a pair; `is_left` keeps the pairs of which they took neither. -#}
{% macro join_taken(pair, taken) -%}
    left join
        {{ taken }} as taken_placement
        on taken_placement.property_key = {{ pair }}.property_key
        and taken_placement.placement_key = {{ pair }}.placement_key
    left join
        {{ taken }} as taken_link
        on taken_link.property_key = {{ pair }}.property_key
        and taken_link.link_key = {{ pair }}.link_key
{%- endmacro %}

{% macro is_left() -%} (taken_placement.property_key is null and taken_link.property_key is null) {%- endmacro %}
