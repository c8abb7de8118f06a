{{ config(materialized='ephemeral') }}

with
    compared as (select * from {{ ref('int_effect__compare_links') }}),

    events as (select * from {{ ref('int_link__judge_events') }}),

    described as (select * from {{ ref('int_effect__describe_events') }}),

    placebo as (
        select sample_no
        from {{ ref('int_effect__list_samples') }}
        where
            is_placebo
            and horizon_day = (select min(horizon_day) from {{ ref('int_effect__list_samples') }})
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

    alike as (
        select
            compared.*,
            events.arm,
            count(*) over like_links as group_event_count,
            avg(compared.own_effect) over like_links as group_effect,
            coalesce(var_samp(compared.own_effect) over like_links, 0) as total_variance,
            avg(compared.own_variance) over like_links as mean_variance
        from compared
        inner join
            events
            on events.property_key = compared.property_key
            and events.event_key = compared.event_key
        inner join
            described
            on described.property_key = compared.property_key
            and described.event_key = compared.event_key
        window
            like_links as (
                partition by
                    compared.property_key, compared.panel, events.arm, described.authority_level
            )
    ),

    -- How much links differ is often estimated as nothing, and is not known to be nothing.
    -- In the interval it is taken a standard error larger, beside that of the group's mean.
    varied as (
        select
            *,
            greatest(total_variance - mean_variance, 0) as between_variance,
            greatest(total_variance - mean_variance, 0)
            + total_variance * sqrt(2.0 / greatest(group_event_count - 1, 1))
            + total_variance / group_event_count as group_variance
        from alike
    ),

    -- Empirical Bayes: the less a link's own comparison can be told from noise,
    -- the more it is the mean of those alike, which is uncertain too.
    weighed as (
        select *, between_variance / nullif(between_variance + own_variance, 0) as own_weight
        from varied
    )

select
    weighed.property_key,
    weighed.panel,
    weighed.event_key,
    weighed.outcome,
    weighed.base_mean,
    weighed.window_mean,
    weighed.control_change,
    weighed.control_count,
    weighed.own_effect,
    sqrt(weighed.own_variance) as own_standard_error,
    weighed.group_event_count,
    weighed.group_effect,
    weighed.own_weight,
    weighed.own_weight * weighed.own_effect
    + (1 - weighed.own_weight) * weighed.group_effect as shrunk_effect,
    sqrt(
        weighed.own_weight * weighed.own_weight * weighed.own_variance
        + (1 - weighed.own_weight) * (1 - weighed.own_weight) * weighed.group_variance
    ) as shrunk_standard_error,
    abs(placebos.estimate) as placebo_size
from weighed
left join
    placebos
    on placebos.property_key = weighed.property_key
    and placebos.panel = weighed.panel
    and placebos.arm = weighed.arm
    and placebos.outcome = weighed.outcome
