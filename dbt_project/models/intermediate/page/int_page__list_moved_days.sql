{{ config(materialized='table', indexes=[{'columns': ['property_key', 'day'], 'unique': True}]) }}

{%- set is_partial = not execute or (var('build_id') | int != 0 and not flags.FULL_REFRESH) %}

with
    versions as (
        select property_key, url_key, page_key, valid_from_date, valid_to_date
        from {{ ref('int_page__version_pages') }}
    ),

    -- As the facts were last built from them; a build of everything has nothing to compare.
    modelled as (
        select property_key, url_key, page_key, valid_from_date, valid_to_date
        from {% if is_partial %} {{ source('ops', 'modelled_page_version') }} {% else %} versions {% endif %}
    ),

    urls as (
        select property_key, url_key
        from versions
        union
        select property_key, url_key
        from modelled
    ),

    {%- for name in ['versions', 'modelled'] %}
        -- For all time: until its first version a URL is its own page.
        all_{{ name }} as (
            select
                property_key,
                url_key,
                page_key,
                valid_from_date as from_date,
                valid_to_date as to_date
            from {{ name }}
            union all
            select
                urls.property_key,
                urls.url_key,
                urls.url_key as page_key,
                '-infinity',
                coalesce(min({{ name }}.valid_from_date), 'infinity')
            from urls
            left join
                {{ name }}
                on {{ name }}.property_key = urls.property_key
                and {{ name }}.url_key = urls.url_key
            group by urls.property_key, urls.url_key
        ),
    {%- endfor %}

    differences as (
        select
            all_versions.property_key,
            greatest(all_versions.from_date, all_modelled.from_date) as from_date,
            least(all_versions.to_date, all_modelled.to_date) as to_date
        from all_versions
        inner join
            all_modelled
            on all_modelled.property_key = all_versions.property_key
            and all_modelled.url_key = all_versions.url_key
            and all_modelled.page_key <> all_versions.page_key
            and all_modelled.from_date < all_versions.to_date
            and all_modelled.to_date > all_versions.from_date
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
