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
Whether fct_link_rank_change and the effect may be rebuilt for the affected cells and topics alone: a claimed build over
existing tables, with the events, changes, updates and levels that they were last built from at hand.
-#}
{% macro is_rank_change_partial() -%}
    {%- if not execute -%}
        {%- do source('ops', 'publication') -%}
        {%- do source('ops', 'build_day') -%}
    {%- endif -%}
    {%- if execute and var('build_id') | int != 0 and not flags.FULL_REFRESH -%}
        {%- for schema, name in [
            ('intermediate', 'int_link__keep_events'), ('intermediate', 'int_link__keep_changes'),
            ('intermediate', 'int_link__keep_updates'), ('intermediate', 'int_effect__measure_units'),
            ('intermediate', 'int_effect__keep_levels'), ('intermediate', 'int_effect__sum_topics'),
            ('intermediate', 'int_effect__cross_arms'), ('intermediate', 'int_effect__cross_weeks'),
            ('marts', 'fct_link_rank_change'), ('marts', 'fct_link_effect_cell'), ('marts', 'fct_link_effect_page'),
        ] -%}
            {%- if adapter.get_relation(target.database, schema, name) is none -%} {{- return(false) -}} {%- endif -%}
        {%- endfor -%}
        {{- return(true) -}}
    {%- endif -%}
    {{- return(false) -}}
{%- endmacro %}

{#- Pre-hook of a model kept by cells (property, topic and date of the link event) and samples, or windows in their place. -#}
{% macro replace_affected_cells(is_of_windows=false) -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} as stale
        {% if is_rank_change_partial() -%}
            using {{ ref('int_link__list_affected_cells') }} as affected
            where
                stale.property_key = affected.property_key
                and stale.topic = affected.topic
                and stale.event_date = affected.event_date
                {% if is_of_windows -%}
                    and stale.window_name in (
                        select samples.window_name
                        from ({{ samples_of_windows() }}) as samples
                        where samples.sample_no = any(affected.sample_nos)
                    )
                {%- else -%} and stale.sample_no = any(affected.sample_nos)
                {%- endif %}
        {%- endif %}
    {%- endif -%}
{%- endmacro %}

{#- Pre-hook of a model kept by topics and samples, or all the weeks before together: what is summed over all dates. -#}
{% macro replace_affected_topics(is_of_weeks=false) -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} as stale
        {% if is_rank_change_partial() -%}
            using {{ ref('int_effect__list_affected_topics') }} as affected
            where
                stale.property_key = affected.property_key
                and stale.topic = affected.topic
                {% if is_of_weeks -%} and affected.sample_nos && array({{ weeks_before() }})
                {%- else -%} and stale.sample_no = any(affected.sample_nos)
                {%- endif %}
        {%- endif %}
    {%- endif -%}
{%- endmacro %}

{#- Samples of the weeks before the event, which are tested together. -#}
{% macro weeks_before() -%}
    select sample_no
    from {{ ref('int_effect__list_samples') }}
    where end_day < -7 and not is_placebo
{%- endmacro %}

{#- The samples of which cuts are made: the headline's and that of its placebo. -#}
{% macro main_samples() -%}
    select sample_no
    from {{ ref('int_effect__list_samples') }}
    where
        window_name in ('headline', 'placebo')
        and horizon_day = (select min(horizon_day) from {{ ref('int_effect__list_samples') }})
{%- endmacro %}

{#- What says of an event which cuts it is in. -#}
{% macro event_levels() -%}
    property_key, event_key, authority_level, first_from_domain_level, relevance_level, anchor_type_level
{%- endmacro %}

{#- Of each window the sample that is published: the placebo's is that of the headline. -#}
{% macro samples_of_windows() -%}
    select *
    from {{ ref('int_effect__list_samples') }}
    where horizon_day = greatest(end_day, (select min(horizon_day) from {{ ref('int_effect__list_samples') }}))
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

{#- The same of Search Console's totals by page. -#}
{% macro claimed_search_days() -%}
    {%- do source('ops', 'build_day') -%}
    select property_key, min(day) as day
    from
        (
            select claimed.property_key, claimed.day
            from {{ source('ops', 'build_day') }} as claimed
            where
                claimed.build_id = {{ var('build_id') | int }}
                and (
                    (claimed.source = 'search_console' and claimed.table_name = 'page_total')
                    or (claimed.source = 'exports' and claimed.table_name = 'performance')
                )
            union all
            select property_key, day
            from {{ ref('int_page__list_moved_days') }}
        ) as claimed_days
    group by property_key
{%- endmacro %}

{#- Literal of the first day of which a build changes a running total, in any property: claimed, or not summed yet. -#}
{% macro first_changed_day(claims) -%}
    {{- return(
        run_query(
            "select min(least(claimed.day, (select max(day) + 1 from " ~ this ~ " as standing"
            ~ " where standing.property_key = claimed.property_key and standing.day < claimed.day)))"
            ~ " from (" ~ context[claims]() ~ ") as claimed"
        ).rows[0][0] or 'infinity'
    ) -}}
{%- endmacro %}

{#- Literal of the first of claimed days: a query with a column day. -#}
{% macro first_day_of(claimed) -%}
    {{- return(run_query("select min(day) from (" ~ claimed ~ ") as claimed").rows[0][0] or 'infinity') -}}
{%- endmacro %}

{#- Pre-hook of running totals: a day changes its own total and all later ones, found through the index by a literal day. -#}
{% macro replace_later_days(claims='claimed_position_days') -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} as stale
        {% if var('build_id') | int != 0 -%}
                using ({{ context[claims]() }}) as claimed
            where
                stale.property_key = claimed.property_key
                and stale.day >= claimed.day
                and stale.property_key = any(array(select property_key from ({{ context[claims]() }}) as days))
                and stale.day >= date '{{ first_day_of(context[claims]()) }}'
        {%- endif %}
    {%- endif -%}
{%- endmacro %}

{#-
Pre-hook of a model of many steps. The planner takes what comes out of them for a few rows, for which any plan will do: it
joins by the property alone first, merges and sorts. Hashes in the order written do for many; loops are off already
(plan_for_many_rows).
-#}
{% macro join_as_written() -%}
    {%- for setting in ['join_collapse_limit = 1', 'enable_mergejoin = off', 'enable_sort = off'] -%}
        set local {{ setting }};
    {%- endfor -%}
{%- endmacro %}

{#- Gives each check of `alias` its series, of a CTE of that name. -#}
{% macro join_series(alias) -%}
    inner join series
        on series.property_key = {{ alias }}.property_key
        and series.keyword_key = {{ alias }}.keyword_key
        and series.engine = {{ alias }}.engine
        and series.locale = {{ alias }}.locale
        and series.device = {{ alias }}.device
{%- endmacro %}

{#- Number of the 28 days that a day is in, counted from 1970-01-01, and of the day within them, from 0. -#}
{% macro block_of(day) -%} ({{ day }} - date '1970-01-01') / 28 {%- endmacro %}

{% macro day_of_block(day) -%} ({{ day }} - date '1970-01-01') % 28 {%- endmacro %}

{#- Blocks of 28 days that hold a claimed day. -#}
{% macro claimed_blocks(claims) -%}
    select distinct claimed.property_key, {{ block_of('claimed.day') }} as block
    from ({{ claimed_days(claims) }}) as claimed
{%- endmacro %}

{#- Pre-hook of a model kept by blocks of 28 days. -#}
{% macro replace_claimed_blocks(claims) -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} as stale
        {% if var('build_id') | int != 0 -%}
            using ({{ claimed_blocks(claims) }}) as claimed
            where stale.property_key = claimed.property_key and stale.block = claimed.block
        {%- endif %}
    {%- endif -%}
{%- endmacro %}

{#- Running totals of int_link__sum_positions and, of those, what a link's report counts by state. -#}
{% macro position_totals() -%}
    {{- return([
        'check_count', 'measured_count', 'ranked_count', 'found_count', 'not_found_count', 'truncated_count',
        'failed_count', 'value_count', 'top_10_count', 'ranked_value_count', 'position_sum', 'log_position_sum',
        'expected_ctr_sum',
    ]) -}}
{%- endmacro %}

{#- Running totals of int_link__sum_searches. -#}
{% macro search_totals() -%}
    {{- return([
        'measured_count', 'ranked_count', 'value_count', 'click_log_sum', 'impression_log_sum',
    ]) -}}
{%- endmacro %}

{#- States of a check. -#}
{% macro check_states() -%} {{- return(['found', 'not_found', 'truncated', 'failed']) -}} {%- endmacro %}

{#-
Totals of a window around each row of `unit`, which has property_key, `key` (series_key, page_key), event_date, begin_day
and end_day. Joins of a select list whose columns are window_totals(): NULL where the window has not ended yet, or ended
before the first check. Day by day through the index (`distinct on` keeps it so, where Citus refuses `limit`): a join with all
totals of all days, of which few are asked for, sorts or hashes gigabytes.
-#}
{% macro join_window(unit, sums='int_link__sum_positions', key='series_key') -%}
    {%- for name, day in [('at_end', 'end_day'), ('at_begin', 'begin_day - 1')] %}
    left join
        lateral(
            select distinct on (sums.property_key)
                {%- for total in (position_totals() if key == 'series_key' else search_totals()) %}
                    sums.{{ total }}{{ ',' if not loop.last }}
                {%- endfor %}
            from {{ ref(sums) }} as sums
            where
                sums.property_key = {{ unit }}.property_key
                and sums.{{ key }} = {{ unit }}.{{ key }}
                and sums.day = {{ unit }}.event_date + {{ unit }}.{{ day }}
        ) as {{ name }}
        on true
    {%- endfor %}
{%- endmacro %}

{% macro window_totals(totals=none) -%}
    {%- for total in totals or position_totals() %}
        at_end.{{ total }}
        - coalesce(at_begin.{{ total }}, 0) as {{ total }}{{ ',' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Checks expected in a window of so many days where two nights of checks are usually gap_days apart. -#}
{% macro expected_checks(begin_day, end_day, gap_days) -%}
    greatest(round(({{ end_day }} - {{ begin_day }} + 1)::numeric / {{ gap_days }}), 1)::integer
{%- endmacro %}

{#- Outcomes of a panel: published name, its column in int_effect__measure_units, and whether checks or searches tell it. -#}
{% macro outcomes() -%}
    {{- return([
        {'name': 'log_position', 'total': 'log_position_sum', 'scale': 1000000000000, 'of': 'checks'},
        {'name': 'position', 'total': 'position_sum', 'scale': 1, 'of': 'checks'},
        {'name': 'expected_ctr', 'total': 'expected_ctr_sum', 'scale': 1000000000000, 'of': 'checks'},
        {'name': 'top_10_share', 'total': 'top_10_count', 'scale': 1, 'of': 'checks'},
        {'name': 'ranked_share', 'total': 'ranked_value_count', 'scale': 1, 'of': 'checks'},
        {'name': 'click_log', 'total': 'click_log_sum', 'scale': 1000000000000, 'of': 'searches'},
        {'name': 'impression_log', 'total': 'impression_log_sum', 'scale': 1000000000000, 'of': 'searches'},
    ]) -}}
{%- endmacro %}

{#- Mean of an outcome over the days of a window that have a value; totals of `unit`, whose names begin with `part`. -#}
{% macro window_mean(unit, outcome, part='') -%}
    {{ unit }}.{{ part }}{{ outcome['total'] }}::double precision
    / {{ outcome['scale'] }} / {{ unit }}.{{ part }}value_count
{%- endmacro %}

{#- Key of a cell: panel, topic, date, locale and device of a property. -#}
{% macro cell_key(panel, topic, event_date, locale, device) -%}
    {{ key64(panel, topic, event_date ~ '::text', locale, device) }}
{%- endmacro %}

{#- Weightings of cells: by variance (n1 n0 / n), and equal by event (n1). Weight of a cell, and of a row of it. -#}
{% macro weightings() -%}
    {{- return([
        {
            'name': 'variance',
            'cell': 'treated_count::double precision * control_count / (treated_count + control_count)',
            'row': '1',
        },
        {
            'name': 'equal',
            'cell': 'treated_count::double precision',
            'row': '(treated_count + control_count)::double precision / control_count',
        },
    ]) -}}
{%- endmacro %}

{#- Why a rank change cannot be judged, in the order in which they are asked. -#}
{% macro change_reasons() -%}
    {{- return([
        'same_event', 'uncertain_date', 'short_history', 'future_incomplete', 'unmeasured', 'not_ranking', 'other_link',
        'onpage_change', 'no_controls',
    ]) -}}
{%- endmacro %}

{#-
Columns of outcomes and weightings as rows: a cross join with columns outcome, weighting and the named figures. Each figure is
(name, relation.column), in which {a} stands for weighting_outcome, {o} for the outcome and {w} for the weighting.
-#}
{% macro by_outcome(figures) -%}
    cross join
        lateral(
            values
                {%- for outcome in outcomes() %}
                    {%- set is_last_outcome = loop.last %}
                    {%- for weighting in weightings() %}
                        {%- set o, w = outcome['name'], weighting['name'] %}
                        (
                            '{{ o }}',
                            '{{ w }}'
                            {%- for name, column in figures %},
                                {{ column | replace('{a}', w ~ '_' ~ o) | replace('{o}', o) | replace('{w}', w) }}
                            {%- endfor %}
                        ){{ ',' if not (is_last_outcome and loop.last) }}
                    {%- endfor %}
                {%- endfor %}
        ) as figures(outcome, weighting{% for name, column in figures %}, {{ name }}{% endfor %})
{%- endmacro %}

{#- Sums by outcome and weighting of int_effect__sum_topics. -#}
{% macro effect_sums() -%}
    {%- set names = [] -%}
    {%- for weighting in weightings() -%}
        {%- do names.append(weighting['name'] ~ '_weight') -%}
        {%- do names.append(weighting['name'] ~ '_leverage_square') -%}
        {%- for outcome in outcomes() -%}
            {%- for of in ['effect', 'square', 'cross'] -%}
                {%- do names.append(weighting['name'] ~ '_' ~ outcome['name'] ~ '_' ~ of) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for outcome in outcomes() -%} {%- do names.append(outcome['name'] ~ '_base') -%} {%- endfor -%}
    {{- return(names) -}}
{%- endmacro %}
