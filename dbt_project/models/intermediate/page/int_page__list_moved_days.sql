{{ config(materialized='table', indexes=[{'columns': ['property_key', 'day'], 'unique': True}]) }}

{%- set is_partial = not execute or (var('build_id') | int != 0 and not flags.FULL_REFRESH) %}

with
    -- As the facts were last built from them; a build of everything has nothing to compare.
    versions as (
        select property_key, url_key, page_key, valid_from_date, valid_to_date, false as is_last
        from {{ ref('int_page__version_pages') }}
        {% if is_partial -%}
            union all
            select property_key, url_key, page_key, valid_from_date, valid_to_date, true as is_last
            from {{ source('ops', 'modelled_page_version') }}
        {%- endif %}
    ),

    urls as (
        select distinct versions.property_key, versions.url_key, builds.is_last
        from versions
        cross join (values (false) {%- if is_partial %}, (true){% endif %}) as builds(is_last)
    ),

    -- For all time: until its first version a URL is its own page.
    stays as (
        select
            property_key,
            url_key,
            page_key,
            is_last,
            valid_from_date as from_date,
            valid_to_date as to_date
        from versions
        union all
        select
            urls.property_key,
            urls.url_key,
            urls.url_key as page_key,
            urls.is_last,
            '-infinity',
            coalesce(min(versions.valid_from_date), 'infinity')
        from urls
        left join
            versions
            on versions.property_key = urls.property_key
            and versions.url_key = urls.url_key
            and versions.is_last = urls.is_last
        group by urls.property_key, urls.url_key, urls.is_last
    ),

    differences as (
        select
            stays.property_key,
            greatest(stays.from_date, last_stays.from_date) as from_date,
            least(stays.to_date, last_stays.to_date) as to_date
        from stays
        inner join
            stays as last_stays
            on last_stays.property_key = stays.property_key
            and last_stays.url_key = stays.url_key
            and last_stays.page_key <> stays.page_key
            and last_stays.from_date < stays.to_date
            and last_stays.to_date > stays.from_date
        where last_stays.is_last and not stays.is_last
    ),

    spans as (
        select property_key, min(day) as first_day, max(day) as last_day
        from {{ ref('stg_ops__publication') }}
        group by property_key
    ),

    bounded as (
        select
            differences.property_key,
            greatest(differences.from_date, spans.first_day) as first_day,
            least(differences.to_date - 1, spans.last_day) as last_day
        from differences
        inner join spans on spans.property_key = differences.property_key
    )

select distinct bounded.property_key, (bounded.first_day + shift.days) as day
from bounded
cross join lateral generate_series(0, bounded.last_day - bounded.first_day) as shift(days)
