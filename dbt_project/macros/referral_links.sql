{#- Where each URL that ever led elsewhere leads, from day to day: until its first version it is its own page. -#}
{% macro leading_urls() -%}
    select property_key, url_key, page_key, daterange(valid_from_date, valid_to_date) as days
    from {{ ref('int_page__version_pages') }}
    union all
    select property_key, url_key, url_key as page_key, daterange('-infinity', min(valid_from_date)) as days
    from {{ ref('int_page__version_pages') }}
    group by property_key, url_key
{%- endmacro %}

{#-
Links of the hosts of `referrers` (columns property_key, referrer_host), a row for each span of days within those of `days` (columns
property_key, day): on which page they are and where they then lead to. A link counts on the day before it came and on the day after it went.
-#}
{% macro leading_links(referrers, days) -%}
    select
        hosts.property_key,
        hosts.referrer_host,
        lives.link_key,
        lives.source_page_key,
        lives.target_url_key,
        {{ page_as_of('lives', 'target_url_key') }} as page_key,
        coalesce(lives.referrer_policy, '') <> 'none' as is_let_through,
        daterange(lower(stay.days) - 1, upper(stay.days) + 1)
        * coalesce(version.days, daterange(null, null))
        * reached.days as days
    from
        (
            select property_key, referrer_host, {{ key64('referrer_host') }} as host_key
            from {{ referrers }}
            group by property_key, referrer_host
        ) as hosts
    inner join
        (
            select property_key, daterange(min(day), max(day), '[]') as days
            from {{ days }}
            group by property_key
        ) as reached
        on reached.property_key = hosts.property_key
    inner join
        {{ ref('int_referral__list_lives') }} as lives
        on lives.property_key = hosts.property_key
        and lives.source_host_key = hosts.host_key
    cross join lateral unnest(lives.live_days) as stay(days)
    left join
        ({{ leading_urls() }}) as version
        on version.property_key = lives.property_key
        and version.url_key = lives.target_url_key
{%- endmacro %}

{#- How many of the links `links` of a host lead to a page and let something through, from day to day; and which, where it is one. -#}
{% macro counted_links(links) -%}
    select
        stays.property_key,
        stays.referrer_host,
        stays.page_key,
        edge.day as first_day,
        lead(edge.day) over days_of_page as next_day,
        sum(sum(edge.step)) over days_of_page as candidate_count,
        sum(sum(edge.step * stays.link_key::numeric)) over days_of_page as candidate_key
    from
        (
            select property_key, referrer_host, page_key, link_key, range_agg(days) as days
            from {{ links }}
            where is_let_through
            group by property_key, referrer_host, page_key, link_key
        ) as stays
    cross join lateral unnest(stays.days) as stay(days)
    cross join lateral (values (lower(stay.days), 1), (upper(stay.days), -1)) as edge (day, step)
    group by stays.property_key, stays.referrer_host, stays.page_key, edge.day
    window days_of_page as (partition by stays.property_key, stays.referrer_host, stays.page_key order by edge.day)
{%- endmacro %}

{#- Of visits that named a page with links to their landing page one of these: the one to the very URL, then the lowest. -#}
{% macro exact_links(visits, links) -%}
    select distinct
        on (visits.property_key, visits.day, visits.referrer_host, visits.referrer_url_key, visits.page_key)
        visits.property_key,
        visits.day,
        visits.referrer_host,
        visits.referrer_url_key,
        visits.page_key,
        links.link_key
    from {{ visits }} as visits
    inner join
        {{ links }} as links
        on links.property_key = visits.property_key
        and links.referrer_host = visits.referrer_host
        and links.source_page_key = visits.referrer_url_key
        and links.page_key = visits.page_key
        and links.days @> visits.day
    order by
        visits.property_key,
        visits.day,
        visits.referrer_host,
        visits.referrer_url_key,
        visits.page_key,
        links.target_url_key = visits.landing_url_key desc,
        links.link_key
{%- endmacro %}

{#- Ages of links in days, from and before, by which their visits are told apart; a link counts on the day before it came. -#}
{% macro visit_ages() -%}
    {{ return([[-1, 7], [7, 14], [14, 28], [28, 56], [56, 112], [112, none]]) }}
{%- endmacro %}

{#- How many days of a multirange, which has both ends, are of each age; of a link that was there at the start all are of the last. -#}
{% macro days_by_age(days, born_day) -%}
    {%- set born = counted_from(born_day) -%}
    (
        select
            array[
                {%- for first, after in visit_ages() %}
                    {%- set last = 'upper(part.days)' if after is none else 'least(upper(part.days), ' ~ born ~ ' + ' ~ after ~ ')' %}
                    coalesce(
                        sum(greatest({{ last }} - greatest(lower(part.days), {{ born }} + {{ first }}), 0)), 0
                    )::integer{{ ',' if not loop.last }}
                {%- endfor %}
            ]
        from unnest({{ days }}) as part(days)
    )
{%- endmacro %}

{#- Where ages are counted from: dates without an end have no difference. -#}
{% macro counted_from(born_day) -%} coalesce({{ born_day }}, date '0001-01-01') {%- endmacro %}
