{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook='{{ replace_affected_topics() }}',
    )
}}

{#- Numbers first: they are compared fast. -#}
{%- set group_columns = ['property_key', 'topic', 'sample_no', 'arm', 'level', 'cut', 'panel'] %}
{%- set columns = group_columns | join(', ') %}

with
    topics as (select * from {{ ref('int_effect__list_affected_topics') }}),

    updates as (
        select begins_on, coalesce(ends_on, 'infinity') as ends_on
        from {{ ref('dim_google_update') }}
        where is_confounder
    ),

    -- From the week before to the window's end, or from the begin of a window before it.
    spans as (
        select
            samples.sample_no,
            least(base.begin_day, samples.begin_day) as begin_day,
            greatest(base.end_day, samples.end_day) as end_day
        from {{ ref('int_effect__list_samples') }} as samples
        cross join {{ ref('link_windows') }} as base
        where base.window_name = 'base'
    )

-- Topic by topic, so that nothing is sorted by names.
select sums.*
from topics
cross join
    lateral(
        select
            {{ columns }},
            cell_sums.cell_count,
            cell_sums.treated_count,
            cell_sums.control_count,
            cell_sums.control_degree_count,
            event_counts.event_count,
            score_sums.cluster_count,
            score_sums.treated_cluster_count,
            cell_sums.onpage_unknown_count,
            cell_sums.updated_count,
            {%- for column in effect_sums() %} {{ column }}{{ ',' if not loop.last }} {%- endfor %}
        from
            (
                select
                    {{ columns }},
                    count(*)::integer as cell_count,
                    sum(treated_count)::integer as treated_count,
                    sum(control_count)::integer as control_count,
                    sum(control_count - 1)::integer as control_degree_count,
                    sum(onpage_unknown_count)::integer as onpage_unknown_count,
                    coalesce(
                        sum(treated_count) filter (
                            where
                                exists (
                                    select 1
                                    from updates
                                    where
                                        updates.begins_on <= treated.event_date + spans.end_day
                                        and updates.ends_on >= treated.event_date + spans.begin_day
                                )
                        ),
                        0
                    )::integer as updated_count,
                    {%- for weighting in weightings() %}
                        sum({{ weighting['cell'] }}) as {{ weighting['name'] }}_weight,
                        coalesce(
                            sum({{ squared_error(weighting) }}) filter (where control_count = 1), 0
                        ) as {{ weighting['name'] }}_lone,
                    {%- endfor %}
                    {%- for outcome in outcomes() %}
                        {%- for weighting in weightings() %}
                            sum(
                                ({{ weighting['cell'] }}) * (
                                    {{ outcome['name'] }}_change
                                    - control_{{ outcome['name'] }}_change
                                )
                            ) as {{ weighting['name'] }}_{{ outcome['name'] }}_effect,
                            coalesce(
                                sum(
                                    {{ squared_error(weighting) }}
                                    * control_{{ outcome['name'] }}_variance
                                ),
                                0
                            ) as {{ weighting['name'] }}_{{ outcome['name'] }}_noise,
                        {%- endfor %}
                        sum(
                            treated_count * base_{{ outcome['name'] }}
                        ) as {{ outcome['name'] }}_base,
                        coalesce(
                            sum((control_count - 1) * control_{{ outcome['name'] }}_variance), 0
                        ) as {{ outcome['name'] }}_deviation{{ ',' if not loop.last }}
                    {%- endfor %}

                from {{ ref('fct_link_effect_cell') }} as treated
                inner join spans using (sample_no)
                where
                    treated.property_key = topics.property_key
                    and treated.topic = topics.topic
                    and treated.sample_no = any(topics.sample_nos)
                group by {{ columns }}
            ) as cell_sums
        inner join
            (
                select {{ columns }}, count(distinct event.event_key)::integer as event_count
                from {{ ref('fct_link_effect_cell') }} as treated
                cross join lateral unnest(treated.event_keys) as event(event_key)
                where
                    treated.property_key = topics.property_key
                    and treated.topic = topics.topic
                    and treated.sample_no = any(topics.sample_nos)
                group by {{ columns }}
            ) as event_counts using ({{ columns }})
        inner join
            (
                select
                    {{ columns }},
                    count(*)::integer as cluster_count,
                    (count(*) filter (where treated_count > 0))::integer as treated_cluster_count,
                    {%- for weighting in weightings() %}
                        {%- set b = weighting['name'] ~ '_leverage' %}
                        sum({{ b }} * {{ b }}) as {{ weighting['name'] }}_leverage_square,
                        {%- for outcome in outcomes() %}
                            {%- set a = weighting['name'] ~ '_' ~ outcome['name'] %}
                            sum({{ a }} * {{ a }}) as {{ a }}_square,
                            sum({{ a }} * {{ b }}) as {{ a }}_cross{{ ',' if not loop.last }}
                        {%- endfor %}
                        {{- ',' if not loop.last }}
                    {%- endfor %}

                from {{ ref('fct_link_effect_page') }} as scores
                where
                    scores.property_key = topics.property_key
                    and scores.topic = topics.topic
                    and scores.sample_no = any(topics.sample_nos)
                group by {{ columns }}
            ) as score_sums using ({{ columns }})
        where cell_sums.property_key = topics.property_key
    ) as sums
