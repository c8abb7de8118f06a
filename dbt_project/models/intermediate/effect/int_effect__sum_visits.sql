{%- set group_columns = 'bot, arm' %}
{%- set sums = [
    'page_count', 'treated_page_count', 'event_count', 'base_visit_count', 'window_visit_count',
    'found', 'treated_expected', 'found_square', 'found_expected', 'expected_square',
    'placebo_found', 'treated_placebo_expected', 'placebo_found_square', 'placebo_found_expected',
    'placebo_expected_square',
] %}
{{ config(materialized='table') }}

with
    scored as (select * from {{ ref('int_effect__score_visits') }}),

    pages as (
        select
            property_key,
            {{ group_columns }},
            page_key,
            count(event_key) as event_count,
            sum(base_count) as base_count,
            sum(window_count) as window_count,
            sum(found) as found,
            sum(expected) as expected,
            sum(expected) filter (where event_key is not null) as treated_expected,
            sum(placebo_found) as placebo_found,
            sum(placebo_expected) as placebo_expected,
            sum(placebo_expected) filter (where event_key is not null) as treated_placebo_expected
        from scored
        group by property_key, {{ group_columns }}, page_key
    ),

    summed as (
        select
            property_key,
            {{ group_columns }},
            count(*) as page_count,
            count(*) filter (where event_count > 0) as treated_page_count,
            sum(event_count) as event_count,
            sum(base_count) as base_visit_count,
            sum(window_count) as window_visit_count,
            sum(found) as found,
            sum(treated_expected) as treated_expected,
            sum(found * found) as found_square,
            sum(found * expected) as found_expected,
            sum(expected * expected) as expected_square,
            sum(placebo_found) as placebo_found,
            sum(treated_placebo_expected) as treated_placebo_expected,
            sum(placebo_found * placebo_found) as placebo_found_square,
            sum(placebo_found * placebo_expected) as placebo_found_expected,
            sum(placebo_expected * placebo_expected) as placebo_expected_square
        from pages
        group by property_key, {{ group_columns }}
    ),

    pooled as (select property_key from {{ ref('stg_ops__property') }} where is_pooled),

    -- Neither cells nor pages cross properties, so that all properties together are a sum.
    told as (
        select property_key, {{ group_columns }}, {{ sums | join(', ') }}
        from summed
        union all
        select
            0,
            {{ group_columns }},
            {%- for total in sums %} sum({{ total }}){{ ',' if not loop.last }} {%- endfor %}
        from summed
        where property_key in (select property_key from pooled)
        group by {{ group_columns }}
    ),

    ratios as (
        select
            *,
            found / nullif(treated_expected, 0) as rate_ratio,
            placebo_found / nullif(treated_placebo_expected, 0) as placebo_ratio
        from told
    ),

    -- Clustered by page, of the ratios' logarithms.
    errors as (
        select
            *,
            {%- for kind in ['', 'placebo_'] %}
                {%- set ratio = kind ~ 'ratio' if kind else 'rate_ratio' %}
                sqrt(
                    page_count::double precision
                    / nullif(page_count - 1, 0)
                    * greatest(
                        {{ kind }}found_square
                        - 2 * {{ ratio }} * {{ kind }}found_expected
                        + {{ ratio }} * {{ ratio }} * {{ kind }}expected_square,
                        0
                    )
                )
                / nullif({{ kind }}found, 0) as {{ kind }}standard_error
                {{- ',' if not loop.last }}
            {%- endfor %}
        from ratios
    ),

    tested as (
        select
            *,
            treated_page_count - 1 as degrees,
            (treated_page_count - 1) % 2 as parity,
            abs(ln(nullif(placebo_ratio, 0))) / nullif(placebo_standard_error, 0) as placebo_t
        from errors
    ),

    -- Student's t with whole degrees of freedom is a finite sum (Abramowitz and Stegun, 26.7.3 and
    -- 26.7.4). Its products are made as sums of logarithms; exp fails where these fall below -745.
    added as (
        select
            tested.*,
            placebo_t / sqrt(degrees + placebo_t * placebo_t) as sine,
            sqrt(degrees / (degrees + placebo_t * placebo_t)) as cosine,
            series.total
        from tested
        cross join
            lateral(
                select 1 + coalesce(sum(exp(greatest(products.logarithm, -700))), 0) as total
                from
                    (
                        select
                            sum(
                                ln(
                                    (2 * number - 1 + tested.parity)::double precision
                                    / (2 * number + tested.parity)
                                    * tested.degrees
                                    / (tested.degrees + tested.placebo_t * tested.placebo_t)
                                )
                            ) over (order by number) as logarithm
                        from generate_series(1, (tested.degrees - 2 - tested.parity) / 2) as number
                    ) as products
            ) as series
    )

select
    property_key,
    {{ group_columns }},
    page_count::integer,
    treated_page_count::integer,
    event_count::integer,
    base_visit_count::bigint,
    window_visit_count::bigint,
    rate_ratio,
    standard_error,
    placebo_ratio,
    placebo_standard_error,
    case
        when degrees >= 1 and parity = 0
        then greatest(1 - sine * total, 0)
        when degrees = 1
        then greatest(1 - atan2(sine, cosine) * 2 / pi(), 0)
        when degrees > 1
        then greatest(1 - (atan2(sine, cosine) + sine * cosine * total) * 2 / pi(), 0)
    end as placebo_p_value
from added
