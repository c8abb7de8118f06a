{#- Who reports the links of an export: its part without the form. -#}
{% macro export_vendor(part) -%}
    regexp_replace({{ part }}, '_(backlinks|latest_links|inbound_links)$', '')
{%- endmacro %}

{#-
Rows of searches for the claimed days of which `kind` is not published, by the dimensions that `condition` asks for. Of several files or splits of a day one stands, so that nothing is counted twice: the
one by more of country and device, then the later. A dimension that it lacks is `all`.
-#}
{% macro exported_searches(kind, condition, claims) -%}
    select
        ranked.property_key,
        ranked.day,
        ranked.page_key,
        ranked.query_key,
        ranked.query,
        coalesce(ranked.country, 'all') as country,
        coalesce(ranked.device, 'all') as device,
        ranked.clicks,
        ranked.impressions,
        ranked.position,
        ranked.origin
    from
        (
            select
                split.*,
                dense_rank() over (
                    partition by split.property_key, split.day
                    order by num_nonnulls(split.country, split.device) desc, split.split_exported_at desc, split.origin, split.country is null
                ) as split_no
            from
                (
                    select
                        exported.*,
                        max(exported.observed_at) over (
                            partition by
                                exported.property_key, exported.day, exported.origin, exported.country is null, exported.device is null
                        ) as split_exported_at
                    from {{ ref('int_search__read_searches') }} as exported {{ join_days('exported', claims=claims) }}
                    where
                        exported.kind = 'searches'
                        and {{ condition }}
                        and not exists (
                            select 1
                            from {{ ref('stg_ops__publication') }} as published
                            where
                                {{ is_of_kind('published', [kind]) }}
                                and published.property_key = exported.property_key
                                and published.day = exported.day
                        )
                ) as split
        ) as ranked
    where ranked.split_no = 1
{%- endmacro %}
