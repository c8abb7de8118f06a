{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_cells() }}',
        indexes=[
            {'columns': ['property_key', 'topic', 'event_date', 'sample_no']},
            {'columns': ['event_key']},
        ],
    )
}}

{%- set check_outcomes = outcomes() | selectattr('of', 'equalto', 'checks') | list %}
{%- set search_outcomes = outcomes() | selectattr('of', 'equalto', 'searches') | list %}

with
    affected as (select * from {{ ref('int_link__list_affected_cells') }}),

    samples as (select * from {{ ref('int_effect__list_samples') }}),

    horizons as (select distinct horizon_day from samples),

    watched as (
        select watched.*, pages.topic
        from {{ ref('int_link__watch_pages') }} as watched
        inner join
            {{ ref('dim_page') }} as pages
            on pages.property_key = watched.property_key
            and pages.page_key = watched.page_key
    ),

    looks as (
        select property_key, max(day) as last_day
        from {{ ref('int_link__judge_looks') }}
        where is_complete_look
        group by property_key
    ),

    -- Events that nothing else disturbs to the horizon. One in no arm has controls too, for its own
    -- comparison.
    undisturbed as (
        select
            events.property_key,
            events.topic,
            events.event_date,
            events.page_key,
            events.event_key,
            events.arm as role,
            neighbours.horizon_day,
            affected.sample_nos
        from {{ ref('int_link__judge_events') }} as events
        inner join
            affected
            on affected.property_key = events.property_key
            and affected.topic = events.topic
            and affected.event_date = events.event_date
        inner join
            {{ ref('int_link__count_neighbours') }} as neighbours
            on neighbours.property_key = events.property_key
            and neighbours.event_key = events.event_key
        inner join looks on looks.property_key = events.property_key
        where
            events.is_event
            and not events.is_uncertain_date
            and not events.is_history_short
            and neighbours.other_link_count = 0
            and events.event_date + neighbours.horizon_day <= looks.last_day
            and exists (
                select 1
                from samples
                where
                    samples.sample_no = any(affected.sample_nos)
                    and samples.horizon_day = neighbours.horizon_day
            )
    ),

    treated_cells as (
        select distinct property_key, topic, event_date, horizon_day, sample_nos from undisturbed
    ),

    -- Pages of the same topic whose links do not change from 56 days before to the horizon.
    controls as (
        select
            cells.property_key,
            cells.topic,
            cells.event_date,
            watched.page_key,
            null::bigint as event_key,
            'control' as role,
            cells.horizon_day,
            cells.sample_nos
        from watched
        inner join
            treated_cells as cells
            on cells.property_key = watched.property_key
            and cells.event_date = watched.event_date
            and cells.topic = watched.topic
        where
            watched.link_date is null or watched.link_date > watched.event_date + cells.horizon_day
    ),

    roles as (
        select *
        from undisturbed
        where role is not null
        union all
        select *
        from controls
    ),

    -- Units whose page was changed are kept for the main windows alone, to tell what leaving them
    -- out does.
    sampled as (
        select
            roles.property_key,
            roles.topic,
            roles.event_date,
            roles.page_key,
            roles.event_key,
            roles.role,
            roles.horizon_day,
            samples.sample_no,
            samples.begin_day,
            samples.end_day,
            coalesce(
                watched.change_date <= roles.event_date + roles.horizon_day, false
            ) as is_onpage_changed,
            coalesce(
                watched.watched_until_date < roles.event_date + roles.horizon_day, true
            ) as is_onpage_unknown
        from roles
        inner join
            samples
            on samples.horizon_day = roles.horizon_day
            and samples.sample_no = any(roles.sample_nos)
        inner join
            watched
            on watched.property_key = roles.property_key
            and watched.event_date = roles.event_date
            and watched.page_key = roles.page_key
        where
            coalesce(watched.change_date > roles.event_date + roles.horizon_day, true)
            or (
                samples.window_name in ('headline', 'placebo')
                and samples.horizon_day = (select min(horizon_day) from horizons)
            )
        -- What lies together is found together: a page's totals below, a topic's units later.
        order by roles.property_key, roles.topic, roles.page_key, roles.event_date
    ),

    check_horizons as materialized(
        select
            property_key,
            (
                select distinct on (totals.property_key) totals.day
                from {{ ref('int_link__sum_positions') }} as totals
                where totals.property_key = properties.property_key
                order by totals.property_key, totals.day desc
            ) as last_day
        from (select distinct property_key from affected) as properties
    ),

    search_horizons as materialized(
        select
            property_key,
            (
                select distinct on (totals.property_key) totals.day
                from {{ ref('int_effect__sum_searches') }} as totals
                where totals.property_key = properties.property_key
                order by totals.property_key, totals.day desc
            ) as last_day
        from (select distinct property_key from affected) as properties
    ),

    -- A page is the mean of those keywords that have half of their checks before and after. Unit by
    -- unit, so that nothing but its few keywords and windows is held at once.
    check_means as (
        select sampled.*, means.*
        from sampled
        inner join
            check_horizons
            on check_horizons.property_key = sampled.property_key
            and sampled.event_date + sampled.horizon_day <= check_horizons.last_day
        cross join
            lateral(
                select
                    cell_key,
                    count(*) as keyword_count,
                    {%- for outcome in check_outcomes %}
                        avg(
                            {{ window_mean('checked', outcome, 'base_') }}
                        ) as base_{{ outcome['name'] }},
                        avg({{ window_mean('checked', outcome) }}) as window_{{ outcome['name'] }},
                    {%- endfor %}
                    {%- for part in ['base_', ''] %}
                        {%- for count in ['check'] + check_states() %}
                            sum({{ part }}{{ count }}_count)
                            as {{ part or 'window_' }}{{ count }}_count{{ ',' if not (loop.last and not part) }}
                        {%- endfor %}
                    {%- endfor %}
                from
                    (
                        select keyword.*, {{ window_totals() }}
                        from
                            (
                                select
                                    bases.property_key,
                                    bases.event_date,
                                    bases.series_key,
                                    bases.cell_key,
                                    bases.gap_days,
                                    sampled.begin_day,
                                    sampled.end_day,
                                    {%- for total in position_totals() %}
                                        bases.{{ total }}
                                        as base_{{ total }}{{ ',' if not loop.last }}
                                    {%- endfor %}
                                from {{ ref('int_link__measure_bases') }} as bases
                                where
                                    bases.property_key = sampled.property_key
                                    and bases.event_date = sampled.event_date
                                    and bases.page_key = sampled.page_key
                                    and bases.is_measured
                            ) as keyword {{ join_window('keyword') }}
                    ) as checked
                where
                    checked.property_key = sampled.property_key
                    and 2 * measured_count
                    >= {{ expected_checks('begin_day', 'end_day', 'gap_days') }}
                group by property_key, cell_key
                -- A page that no check found in the week before is nowhere to move from.
                having sum(base_ranked_count) > 0
            ) as means
    ),

    search_units as (
        select
            sampled.*,
            {{ cell_key("'search_console'", 'sampled.topic', 'sampled.event_date', "'all'", "'all'") }}
            as cell_key,
            {%- for total in search_totals() %}
                search_bases.{{ total }} as base_{{ total }}{{ ',' if not loop.last }}
            {%- endfor %}
        from sampled
        inner join
            {{ ref('int_effect__measure_search_bases') }} as search_bases
            on search_bases.property_key = sampled.property_key
            and search_bases.event_date = sampled.event_date
            and search_bases.page_key = sampled.page_key
        inner join
            search_horizons
            on search_horizons.property_key = sampled.property_key
            and sampled.event_date + sampled.horizon_day <= search_horizons.last_day
    ),

    searched as (
        select search_units.*, {{ window_totals(search_totals()) }}
        from search_units {{ join_window('search_units', 'int_effect__sum_searches', 'page_key') }}
    )

select
    property_key,
    event_date,
    cell_key,
    page_key,
    event_key,
    {%- for outcome in check_outcomes %}
        {%- if outcome['name'] in ('log_position', 'position') %} base_{{ outcome['name'] }},
        {%- else %}
            case
                when role <> 'control' then base_{{ outcome['name'] }}
            end as base_{{ outcome['name'] }},
        {%- endif %}
        window_{{ outcome['name'] }} - base_{{ outcome['name'] }} as {{ outcome['name'] }}_change,
    {%- endfor %}
    {%- for outcome in search_outcomes %}
        null::double precision as base_{{ outcome['name'] }},
        null::double precision as {{ outcome['name'] }}_change,
    {%- endfor %}
    {%- for part in ['base_', 'window_'] %}
        {%- for count in ['check'] + check_states() %}
            {{ part }}{{ count }}_count::smallint as {{ part }}{{ count }}_count,
        {%- endfor %}
    {%- endfor %}
    sample_no,
    keyword_count::smallint as keyword_count,
    is_onpage_changed,
    is_onpage_unknown,
    role,
    topic
from check_means
union all
select
    property_key,
    event_date,
    cell_key,
    page_key,
    event_key,
    {%- for outcome in check_outcomes %} null, null, {%- endfor %}
    {%- for outcome in search_outcomes %}
        case when role <> 'control' then {{ window_mean('searched', outcome, 'base_') }} end,
        {{ window_mean('searched', outcome) }} - {{ window_mean('searched', outcome, 'base_') }},
    {%- endfor %}
    {%- for number in range(10) %} null, {%- endfor %}
    sample_no,
    1,
    is_onpage_changed,
    is_onpage_unknown,
    role,
    topic
from searched
where 2 * measured_count >= end_day - begin_day + 1
