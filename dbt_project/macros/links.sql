{#-
Which links a build rebuilds, each whole. Whole properties: a published day that is a complete snapshot speaks about every
link (absence), and a day that is not newer than all that is modelled (late, restated, released) may change what any
link was seen after. Else only the links that the claimed days name.
-#}
{% macro is_link_claimed(link) -%}
    {%- if not execute -%}
        {%- do source('ops', 'publication') -%}
        {%- do source('ops', 'build_day') -%}
        {%- do ref('int_link__judge_looks') -%}
        {%- do ref('int_link__fold_sightings') -%}
        true
    {%- elif is_incremental() and var('build_id') | int != 0 -%}
        (
            {{ link }}.property_key in ({{ whole_link_properties() }})
            or ({{ link }}.property_key, {{ link }}.link_key) in (
                select sighting.property_key, sighting.link_key
                from {{ ref('int_link__fold_sightings') }} as sighting
                inner join
                    {{ source('ops', 'build_day') }} as claimed
                    on claimed.property_key = sighting.property_key
                    and claimed.day = sighting.day
                where
                    claimed.build_id = {{ var('build_id') | int }}
                    and claimed.source in ('dataforseo_backlinks', 'exports')
                    and claimed.table_name = 'backlink'
            )
        )
    {%- else -%} true
    {%- endif -%}
{%- endmacro %}

{#- A day of exports that was published before may have lost a link; one that is new speaks of the links in it alone. -#}
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
        and claimed.source = 'exports'
        and claimed.table_name = 'backlink'
    union
    select claimed.property_key
    from {{ source('ops', 'build_day') }} as claimed
    where
        claimed.build_id = {{ var('build_id') | int }}
        and claimed.source = 'dataforseo_backlinks'
        and claimed.table_name = 'backlink'
        and (
            exists (
                select 1
                from {{ ref('int_link__judge_looks') }} as look
                where
                    look.property_key = claimed.property_key
                    and look.day = claimed.day
                    and look.is_snapshot
            )
            or exists (
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
        )
{%- endmacro %}

{#- Pre-hook of a model kept by whole links. -#}
{% macro replace_claimed_links() -%}
    {%- if execute and config.get('materialized') == 'incremental' and is_incremental() -%}
        delete from {{ this }} as stale where {{ is_link_claimed('stale') }}
    {%- endif -%}
{%- endmacro %}

{#-
Whether fct_link_rank_change may be rebuilt for the affected dates alone: a claimed build over an existing table, with the
events and updates that it was last built from at hand.
-#}
{% macro is_rank_change_partial() -%}
    {%- if not execute -%}
        {%- do source('ops', 'publication') -%}
        {%- do source('ops', 'build_day') -%}
        {%- do ref('int_link__judge_looks') -%}
    {%- endif -%}
    {%- if execute and var('build_id') | int != 0 and not flags.FULL_REFRESH -%}
        {%- set events = adapter.get_relation(target.database, 'intermediate', 'int_link__keep_events') -%}
        {%- set updates = adapter.get_relation(target.database, 'intermediate', 'int_link__keep_updates') -%}
        {%- set fact = adapter.get_relation(target.database, 'marts', 'fct_link_rank_change') -%}
        {{- return(events is not none and updates is not none and fact is not none) -}}
    {%- endif -%}
    {{- return(false) -}}
{%- endmacro %}

{#- Pre-hook of fct_link_rank_change, kept by the date of the link event. -#}
{% macro replace_affected_dates() -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} as stale
        {% if is_rank_change_partial() -%}
            using {{ ref('int_link__list_affected_dates') }} as affected
            where
                stale.property_key = affected.property_key
                and stale.event_date = affected.event_date
        {%- endif %}
    {%- endif -%}
{%- endmacro %}

{#- Whether a row of the ledger speaks of a day of rank checks, our own or an export's. -#}
{% macro is_of_checks(alias) -%}
    (
        ({{ alias }}.source = 'dataforseo_serp' and {{ alias }}.table_name = 'task')
        or ({{ alias }}.source = 'exports' and {{ alias }}.table_name = 'ranking')
    )
{%- endmacro %}

{#- First day from which running totals of positions must be summed again, by property. -#}
{% macro claimed_position_days() -%}
    {%- do source('ops', 'build_day') -%}
    select claimed.property_key, min(claimed.day) as day
    from {{ source('ops', 'build_day') }} as claimed
    where
        claimed.build_id = {{ var('build_id') | int }}
        and ({{ is_of_checks('claimed') }} or (claimed.source = 'dataforseo_serp' and claimed.table_name = 'result'))
    group by claimed.property_key
{%- endmacro %}

{#- Pre-hook of the running totals: a day changes its own total and all later ones. -#}
{% macro replace_later_days() -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} as stale
        {% if var('build_id') | int != 0 -%}
                using ({{ claimed_position_days() }}) as claimed
            where stale.property_key = claimed.property_key and stale.day >= claimed.day
        {%- endif %}
    {%- endif -%}
{%- endmacro %}

{#-
Counts and sums of checks in a window around each row of `unit`, which has property_key, keyword_key, engine, locale,
device, event_date, begin_day and end_day. Joins of a select list whose columns are window_totals(): NULL where the
window has not ended yet, or ended before the first check.
-#}
{% macro join_window(unit) -%}
    left join
        {{ ref('int_link__sum_positions') }} as at_end
        on at_end.property_key = {{ unit }}.property_key
        and at_end.keyword_key = {{ unit }}.keyword_key
        and at_end.engine = {{ unit }}.engine
        and at_end.locale = {{ unit }}.locale
        and at_end.device = {{ unit }}.device
        and at_end.day = {{ unit }}.event_date + {{ unit }}.end_day
    left join
        {{ ref('int_link__sum_positions') }} as at_begin
        on at_begin.property_key = {{ unit }}.property_key
        and at_begin.keyword_key = {{ unit }}.keyword_key
        and at_begin.engine = {{ unit }}.engine
        and at_begin.locale = {{ unit }}.locale
        and at_begin.device = {{ unit }}.device
        and at_begin.day = {{ unit }}.event_date + {{ unit }}.begin_day - 1
{%- endmacro %}

{% macro window_totals() -%}
    {%- for total in [
        'check_count', 'measured_count', 'ranked_count', 'found_count', 'not_found_count', 'truncated_count',
        'failed_count', 'position_sum', 'log_position_sum',
    ] %}
        at_end.{{ total }}
        - coalesce(at_begin.{{ total }}, 0) as {{ total }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
