{#-
Which links a build rebuilds, each whole. Whole properties: a published day that is a complete snapshot speaks about every
link (absence), and a day that is not newer than all that is modelled (late, restated, released) may change what any
link was seen after. Else only the links that the claimed days name, and those that our visits of them looked for.
-#}
{% macro is_link_claimed(link) -%}
    {%- if not execute -%}
        {%- do source('ops', 'publication') -%}
        {%- do source('ops', 'build_day') -%}
        {%- do ref('int_link__judge_looks') -%}
        {%- do ref('int_link__fold_sightings') -%}
        {%- do ref('fct_link_check') -%}
        true
    {%- elif is_incremental() and var('build_id') | int != 0 -%}
        (
            {{ link }}.property_key in ({{ whole_link_properties() }})
            or ({{ link }}.property_key, {{ link }}.link_key) in (
                select sighting.property_key, sighting.link_key
                from {{ ref('int_link__fold_sightings') }} as sighting
                inner join
                    ({{ _claimed_looks() }}) as claimed
                    on claimed.property_key = sighting.property_key
                    and claimed.day = sighting.day
            )
            or ({{ link }}.property_key, {{ link }}.link_key) in (
                select visit.property_key, visit.link_key
                from {{ ref('fct_link_check') }} as visit
                inner join
                    ({{ _claimed_looks(['link_looks']) }}) as claimed
                    on claimed.property_key = visit.property_key
                    and claimed.day = visit.day
            )
        )
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}

{#-
A day of exports, or of our visits, that was published before may have lost a link; one that is new speaks of the links in it
alone, unless it is whole.
-#}
{% macro whole_link_properties() -%}
    select claimed.property_key
    from {{ source('ops', 'build_day') }} as claimed
    inner join
        {{ source('ops', 'publication') }} as earlier
        on earlier.source = claimed.source
        and earlier.table_name = claimed.table_name
        and earlier.property_key = claimed.property_key
        and earlier.day = claimed.day
        and not earlier.is_current
    where
        claimed.build_id = {{ var('build_id') | int }}
        and (
            {{ is_of_kind('claimed', ['links'], is_export=true) }}
            or {{ is_of_kind('claimed', ['link_looks']) }}
        )
    union
    select look.property_key
    from {{ ref('int_link__judge_looks') }} as look
    inner join
        ({{ _claimed_looks() }}) as claimed
        on claimed.property_key = look.property_key
        and claimed.day = look.day
    where look.is_snapshot
    union
    select claimed.property_key
    from {{ source('ops', 'build_day') }} as claimed
    where
        claimed.build_id = {{ var('build_id') | int }}
        and {{ is_of_kind('claimed', ['links'], is_export=false) }}
        and exists (
            select 1
            from {{ source('ops', 'publication') }} as other
            where
                other.source = claimed.source
                and other.table_name = claimed.table_name
                and other.property_key = claimed.property_key
                and other.day >= claimed.day
                and not (
                    other.is_current
                    and other.publication_id in (
                        select publication_id
                        from {{ source('ops', 'build_day') }}
                        where build_id = {{ var('build_id') | int }}
                    )
                )
        )
{%- endmacro %}

{#- Days of links that the build claims, as a query of its own: Citus joins no ledger with what it has spread. -#}
{% macro _claimed_looks(kinds=['links']) -%}
    select claimed.property_key, claimed.day
    from {{ source('ops', 'build_day') }} as claimed
    where
        claimed.build_id = {{ var('build_id') | int }} and {{ is_of_kind('claimed', kinds) }}
{%- endmacro %}

{#- Pre-hook of a model kept by whole links. -#}
{% macro replace_claimed_links() -%}
    {%- if execute and config.get('materialized') == 'incremental' and is_incremental() -%}
        delete from {{ this }} as stale where {{ is_link_claimed('stale') }}
    {%- endif -%}
{%- endmacro %}
