{{
    config(
        materialized='table',
        indexes=[{'columns': ['property_key', 'page_key', 'event_date']}],
    )
}}

{%- set headlines = [('checks', 'log_position'), ('searches', 'click_log')] %}

with
    headline as (
        select * from {{ ref('int_effect__list_samples') }} where window_name = 'headline'
    ),

    placebo as (
        select sample_no
        from {{ ref('int_effect__list_samples') }}
        where
            is_placebo
            and horizon_day = (select min(horizon_day) from {{ ref('int_effect__list_samples') }})
    ),

    events as (select * from {{ ref('int_link__judge_events') }}),

    described as (select * from {{ ref('int_effect__describe_events') }}),

    controls as (
        select controls.*
        from {{ ref('int_effect__average_controls') }} as controls
        inner join headline on headline.sample_no = controls.sample_no
    ),

    {%- for of, outcome in headlines %}
        -- Control pages of a cell wander; where there is one, all of the arm's tell how much.
        {{ of }}_spread as (
            select
                controls.property_key,
                controls.panel,
                treated.arm,
                sum(
                    controls.{{ outcome }}_square_sum
                    - controls.control_count
                    * controls.{{ outcome }}_change
                    * controls.{{ outcome }}_change
                )
                / nullif(sum(controls.control_count - 1), 0) as pooled_variance
            from controls
            inner join
                {{ ref('fct_link_effect_cell') }} as treated
                on treated.property_key = controls.property_key
                and treated.cell_key = controls.cell_key
                and treated.sample_no = controls.sample_no
                and treated.cut = 'all'
            where controls.{{ outcome }}_change is not null
            group by controls.property_key, controls.panel, treated.arm
        ),

        -- A link whose page is checked in several places is their mean; their errors go together.
        {{ of }}_own as (
            select
                units.property_key,
                controls.panel,
                units.event_key,
                '{{ outcome }}' as outcome,
                avg(units.base_{{ outcome }}) as base_mean,
                avg(units.base_{{ outcome }} + units.{{ outcome }}_change) as window_mean,
                avg(controls.{{ outcome }}_change) as control_change,
                sum(controls.control_count)::integer as control_count,
                avg(units.{{ outcome }}_change - controls.{{ outcome }}_change) as own_effect,
                avg(
                    case
                        when controls.control_count > 1
                        then
                            (
                                controls.{{ outcome }}_square_sum
                                - controls.control_count
                                * controls.{{ outcome }}_change
                                * controls.{{ outcome }}_change
                            )
                            / (controls.control_count - 1)
                        else spread.pooled_variance
                    end
                    * (1 + 1.0 / controls.control_count)
                ) as own_variance
            from {{ ref('int_effect__measure_units') }} as units
            inner join headline on headline.sample_no = units.sample_no
            inner join
                controls
                on controls.property_key = units.property_key
                and controls.cell_key = units.cell_key
            inner join
                {{ of }}_spread as spread
                on spread.property_key = controls.property_key
                and spread.panel = controls.panel
                and spread.arm = units.role
            where
                units.event_key is not null
                and not units.is_onpage_changed
                and units.{{ outcome }}_change is not null
            group by units.property_key, controls.panel, units.event_key
        ),
    {%- endfor %}

    own as (
        {%- for of, outcome in headlines %}
            select * from {{ of }}_own {{ 'union all' if not loop.last }}
        {%- endfor %}
    ),

    alike as (
        select
            own.*,
            events.arm,
            described.authority_level,
            count(*) over like_links as group_event_count,
            avg(own.own_effect) over like_links as group_effect,
            coalesce(var_samp(own.own_effect) over like_links, 0) as total_variance,
            avg(own.own_variance) over like_links as mean_variance
        from own
        inner join
            events on events.property_key = own.property_key and events.event_key = own.event_key
        inner join
            described
            on described.property_key = own.property_key
            and described.event_key = own.event_key
        window
            like_links as (
                partition by own.property_key, own.panel, events.arm, described.authority_level
            )
    ),

    -- How much links differ is often estimated as nothing, and is not known to be nothing: in the
    -- interval it is taken a standard error larger, beside the uncertainty of the group's mean.
    weighed as (
        select
            *,
            greatest(total_variance - mean_variance, 0) as between_variance,
            greatest(total_variance - mean_variance, 0)
            + total_variance * sqrt(2.0 / greatest(group_event_count - 1, 1))
            + total_variance / group_event_count as group_variance
        from alike
    ),

    -- Empirical Bayes: the less a link's own comparison can be told from noise, the more it is the
    -- mean of those alike, which is uncertain too.
    shrunk as (
        select *, between_variance / nullif(between_variance + own_variance, 0) as own_weight
        from weighed
    ),

    placebos as (
        select
            estimates.property_key,
            estimates.panel,
            estimates.arm,
            estimates.outcome,
            estimates.estimate
        from {{ ref('int_effect__estimate_effects') }} as estimates
        inner join placebo on placebo.sample_no = estimates.sample_no
        where estimates.cut = 'all' and estimates.weighting = 'variance'
    ),

    judged as (
        select
            shrunk.property_key,
            shrunk.panel,
            shrunk.event_key,
            shrunk.outcome,
            shrunk.authority_level,
            shrunk.base_mean,
            shrunk.window_mean,
            shrunk.control_change,
            shrunk.control_count,
            shrunk.own_effect,
            sqrt(shrunk.own_variance) as own_standard_error,
            shrunk.group_event_count,
            shrunk.group_effect,
            shrunk.own_weight,
            shrunk.own_weight * shrunk.own_effect
            + (1 - shrunk.own_weight) * shrunk.group_effect as shrunk_effect,
            sqrt(
                shrunk.own_weight * shrunk.own_weight * shrunk.own_variance
                + (1 - shrunk.own_weight) * (1 - shrunk.own_weight) * shrunk.group_variance
            ) as shrunk_standard_error,
            abs(placebos.estimate) as placebo_size
        from shrunk
        left join
            placebos
            on placebos.property_key = shrunk.property_key
            and placebos.panel = shrunk.panel
            and placebos.arm = shrunk.arm
            and placebos.outcome = shrunk.outcome
    ),

    -- A keyword that was not measured leaves its page to the others: of all their reasons the one
    -- that is asked last.
    reasons as (
        select
            property_key,
            engine as panel,
            event_key,
            max(
                array_position(
                    array[
                        {%- for reason in change_reasons() %}
                            '{{ reason }}'{{ ',' if not loop.last }}
                        {%- endfor %}
                    ],
                    reason
                )
            ) as reason_no
        from {{ ref('fct_link_rank_change') }}
        where window_name = 'headline'
        group by property_key, engine, event_key
    ),

    -- Every link event is told of in the panel of checks; in Search Console's those that could be
    -- compared.
    panels as (
        select
            events.property_key,
            events.event_key,
            properties.engine as panel,
            'log_position' as outcome
        from events
        inner join
            {{ ref('dim_property') }} as properties on properties.property_key = events.property_key
        union
        select property_key, event_key, panel, outcome
        from judged
    ),

    joined as (
        select
            panels.property_key,
            panels.panel,
            panels.event_key,
            panels.outcome,
            events.link_key,
            events.page_key,
            events.event_date,
            events.arm,
            described.authority_level,
            judged.base_mean,
            judged.window_mean,
            judged.control_change,
            judged.control_count,
            judged.own_effect,
            judged.own_standard_error,
            judged.group_event_count,
            judged.group_effect,
            judged.own_weight,
            judged.shrunk_effect,
            judged.shrunk_standard_error,
            judged.placebo_size,
            -- Fewer alike say nothing of how links differ.
            case
                when judged.group_event_count >= {{ var('least_events') }}
                then null
                when judged.event_key is not null
                then 'too_few_events'
                when reasons.event_key is null
                then 'no_keyword'
                when reasons.reason_no = 1
                then 'same_event'
                when events.arm is null
                then 'no_arm'
                else coalesce(reason_names.reason, 'no_controls')
            end as reason
        from panels
        inner join
            events
            on events.property_key = panels.property_key
            and events.event_key = panels.event_key
        left join
            described
            on described.property_key = panels.property_key
            and described.event_key = panels.event_key
        left join
            judged
            on judged.property_key = panels.property_key
            and judged.event_key = panels.event_key
            and judged.panel = panels.panel
        left join
            reasons
            on reasons.property_key = panels.property_key
            and reasons.event_key = panels.event_key
            and reasons.panel = panels.panel
        cross join
            lateral(
                select
                    (
                        array[
                            {%- for reason in change_reasons() %}
                                '{{ reason }}'{{ ',' if not loop.last }}
                            {%- endfor %}
                        ]
                    )[reasons.reason_no] as reason
            ) as reason_names
    )

select
    property_key,
    panel,
    event_key,
    link_key,
    page_key,
    event_date,
    arm,
    authority_level,
    outcome,
    'headline' as window_name,
    base_mean,
    window_mean,
    control_change,
    control_count,
    case when reason is null then own_effect end as own_effect,
    case when reason is null then own_standard_error end as own_standard_error,
    group_event_count::integer as group_event_count,
    case when reason is null then group_effect end as group_effect,
    case when reason is null then shrunk_effect end as shrunk_effect,
    {#- Of the normal distribution: the group's mean and spread are in the standard error. #}
    {%- for name, sign in [('low', '-'), ('high', '+')] %}
        case
            when reason is null
            then shrunk_effect {{ sign }} (1.959963984540054 * shrunk_standard_error + placebo_size)
        end as shrunk_{{ name }},
    {%- endfor %}
    case when reason is null then own_weight end as own_weight,
    reason
from joined
