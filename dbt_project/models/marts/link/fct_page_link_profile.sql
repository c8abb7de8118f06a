{%- set page = ['property_key', 'page_key'] -%}
{{ config(materialized='table') }}

with
    looks as ({{ link_looks() }}),

    placed as ({{ placed_lives() }}),

    -- As long as both last: the life of the link, and its target's leading to the page.
    spells as (
        select
            placed.property_key,
            placed.page_key,
            placed.link_key,
            placed.linking_key,
            placed.rel_class,
            greatest(placed.begin_date, placed.from_date, looks.first_day) as begin_date,
            least(placed.end_date, placed.to_date) as end_date,
            looks.last_day
        from placed
        inner join looks on looks.property_key = placed.property_key
        where
            greatest(placed.begin_date, placed.from_date, looks.first_day)
            < least(placed.end_date, placed.to_date)
            and greatest(placed.begin_date, placed.from_date) <= looks.last_day
    ),

    followed_spells as (select * from spells where rel_class = 'followed'),

    links as ({{ merged_lives('spells', page + ['linking_key', 'link_key', 'last_day']) }}),

    domains as ({{ merged_lives('spells', page + ['linking_key', 'last_day']) }}),

    followed as (
        {{ merged_lives('followed_spells', page + ['linking_key', 'link_key', 'last_day']) }}
    ),

    steps as (
        {%- for name in ['links', 'domains', 'followed'] %}
            select
                property_key,
                page_key,
                linking_key,
                '{{ name }}' as measure,
                begin_date as day,
                1 as step
            from {{ name }}
            union all
            select property_key, page_key, linking_key, '{{ name }}', end_date, -1
            from {{ name }}
            where end_date <= last_day {{- ' union all' if not loop.last }}
        {%- endfor %}
    ),

    counts as (
        select
            property_key,
            page_key,
            day,
            coalesce(sum(step) filter (where measure = 'links'), 0) as link_change,
            coalesce(sum(step) filter (where measure = 'domains'), 0) as domain_change,
            coalesce(sum(step) filter (where measure = 'followed'), 0) as followed_change
        from steps
        group by property_key, page_key, day
    ),

    domain_days as (
        select property_key, page_key, linking_key, day, sum(step)::integer as change
        from steps
        where measure = 'followed'
        group by property_key, page_key, linking_key, day
        having sum(step) <> 0
    ),

    domain_counts as (
        select
            *,
            (
                sum(change) over (partition by property_key, page_key, linking_key order by day)
            )::integer as link_count
        from domain_days
    ),

    -- Sums of n ln n, of which Hill numbers are made.
    weights as (
        select
            property_key,
            page_key,
            day,
            sum(
                link_count * ln(greatest(link_count, 1)::double precision)
                - (link_count - change) * ln(greatest(link_count - change, 1)::double precision)
            ) as weight_change
        from domain_counts
        group by property_key, page_key, day
    ),

    -- The largest domain has as many links as there are numbers that some domain reaches.
    reached as (
        select property_key, page_key, level, day, sum(sign(change))::integer as change
        from
            domain_counts,
            generate_series(
                least(link_count, link_count - change) + 1,
                greatest(link_count, link_count - change)
            ) as level
        group by property_key, page_key, level, day
    ),

    reaching as (
        select
            *,
            sum(change) over (
                partition by property_key, page_key, level order by day
            ) as domain_count
        from reached
    ),

    largest as (
        select
            property_key,
            page_key,
            day,
            sum(
                (domain_count > 0)::integer - (domain_count - change > 0)::integer
            ) as largest_change
        from reaching
        group by property_key, page_key, day
    ),

    days as (
        select
            counts.property_key,
            counts.page_key,
            counts.day,
            sum(counts.link_change) over page_days as link_count,
            sum(counts.domain_change) over page_days as domain_count,
            sum(counts.followed_change) over page_days as followed_count,
            sum(coalesce(weights.weight_change, 0)) over page_days as weight,
            sum(coalesce(largest.largest_change, 0)) over page_days as largest_count
        from counts
        left join
            weights
            on weights.property_key = counts.property_key
            and weights.page_key = counts.page_key
            and weights.day = counts.day
        left join
            largest
            on largest.property_key = counts.property_key
            and largest.page_key = counts.page_key
            and largest.day = counts.day
        window page_days as (partition by counts.property_key, counts.page_key order by counts.day)
    )

select
    property_key,
    page_key,
    day as valid_from_date,
    lead(day) over (partition by property_key, page_key order by day) as valid_to_date,
    link_count::bigint as live_link_count,
    followed_count::bigint as followed_link_count,
    domain_count::bigint as referring_domain_count,
    case
        when followed_count > 0
        then exp(ln(followed_count::double precision) - weight / followed_count)
    end as hill_1,
    case
        when followed_count > 0 then largest_count / followed_count::double precision
    end as largest_domain_share
from days
