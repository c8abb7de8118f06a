{%- set moves = ['link', 'referring_domain'] -%}
{%- set measures = moves + ['followed_link', 'followed_domain'] -%}

with
    looks as ({{ link_looks() }}),

    lives as ({{ link_lives() }}),

    -- What is counted: links, and who links, of any rel and followed.
    counted as (
        select property_key, 'link' as measure, link_key as counted_key, begin_date, end_date
        from lives
        union all
        select property_key, 'followed_link', link_key, begin_date, end_date
        from lives
        where rel_class = 'followed'
        union all
        select property_key, 'referring_domain', linking_key, begin_date, end_date
        from lives
        union all
        select property_key, 'followed_domain', linking_key, begin_date, end_date
        from lives
        where rel_class = 'followed'
    ),

    stays as ({{ merged_lives('counted', ['property_key', 'measure', 'counted_key']) }}),

    steps as (
        select property_key, measure, begin_date as day, 1 as step
        from stays
        union all
        select property_key, measure, end_date, -1
        from stays
        where end_date < 'infinity'
    ),

    -- What stood before anybody looked is the stock of the first day, and no gain of it.
    changes as (
        select
            steps.property_key,
            greatest(steps.day, looks.first_day) as day,
            {%- for measure in measures %}
                coalesce(
                    sum(steps.step) filter (where steps.measure = '{{ measure }}'), 0
                ) as {{ measure }}_change,
            {%- endfor %}
            {%- for measure in moves %}
                count(*) filter (
                    where
                        steps.measure = '{{ measure }}'
                        and steps.step = 1
                        and steps.day >= looks.first_day
                ) as gained_{{ measure }}_count,
                count(*) filter (
                    where
                        steps.measure = '{{ measure }}'
                        and steps.step = -1
                        and steps.day >= looks.first_day
                ) as lost_{{ measure }}_count{{ ',' if not loop.last }}
            {%- endfor %}
        from steps
        inner join looks on looks.property_key = steps.property_key
        group by steps.property_key, greatest(steps.day, looks.first_day)
    ),

    days as (
        select property_key, generate_series(first_day, last_day, interval '1 day')::date as day
        from looks
    )

select
    days.property_key,
    days.day,
    {%- for measure in measures %}
        coalesce(
            sum(changes.{{ measure }}_change) over (
                partition by days.property_key order by days.day
            ),
            0
        )::integer as {{ measure }}_count,
    {%- endfor %}
    {%- for measure in moves %}
        coalesce(changes.gained_{{ measure }}_count, 0)::integer as gained_{{ measure }}_count,
        coalesce(changes.lost_{{ measure }}_count, 0)::integer
        as lost_{{ measure }}_count{{ ',' if not loop.last }}
    {%- endfor %}
from days
left join changes on changes.property_key = days.property_key and changes.day = days.day
