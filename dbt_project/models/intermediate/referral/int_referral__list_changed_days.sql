{{ config(materialized='table', indexes=[{'columns': ['property_key', 'day'], 'unique': True}]) }}

with
    published as (
        select distinct property_key, day
        from {{ ref('stg_ops__publication') }} as publication
        where {{ is_of_kind('publication', ['visits']) }}
    ),

{% if not execute or (var('build_id') | int != 0 and not flags.FULL_REFRESH) -%}
        changed as ({{ changed_rows(ref('int_referral__list_lives'), 'modelled_life') }}),

        -- Of a link that lived before and lives now the days on which it did in one of the two
        -- alone.
        differences as (
            select
                property_key,
                range_agg(live_days) - case
                    when count(*) > 1 then range_intersect_agg(live_days) else '{}'::datemultirange
                end as days
            from changed
            group by
                property_key,
                link_key,
                source_page_key,
                source_host_key,
                target_url_key,
                referrer_policy
        ),

        spans as (
            select differences.property_key, span.days
            from differences
            cross join lateral unnest(differences.days) as span(days)
        )

    -- A link counts on the day before it came and on the day after it went.
    select distinct published.property_key, published.day
    from published
    inner join spans on spans.property_key = published.property_key
    where published.day >= lower(spans.days) - 1 and published.day < upper(spans.days) + 1
{%- else -%} nothing as (select * from published where false) select property_key, day from nothing
{%- endif %}
