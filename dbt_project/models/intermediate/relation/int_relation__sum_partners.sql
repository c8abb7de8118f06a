{{ config(materialized='table') }}

{#- Partners as they are listed now, with what came of them in all campaigns. -#}
with
    partners as (
        select property_key, partner_key, partner_name, kind, price_dollars
        from {{ ref('dim_partner') }}
        where valid_to_date is null
    ),

    tried as (
        select
            property_key,
            partner_key,
            count(*) as try_count,
            count(*) filter (where reached_no >= 2) as replied_try_count,
            count(*) filter (where reached_no >= 5) as verified_try_count,
            sum(work_money) as work_money
        from {{ ref('int_relation__sum_pairs') }}
        group by property_key, partner_key
    ),

    promised as (
        select
            placements.property_key,
            placements.partner_key,
            count(*) filter (
                where placements.verified_date is not null and placements.lost_date is null
            ) as standing_count,
            count(placements.lost_date) as lost_link_count,
            sum(placements.live_days) filter (
                where placements.verified_date is not null
            ) as link_days,
            avg(placements.money::numeric) as mean_money,
            count(*) filter (
                where placements.lost_date >= dates.as_of_date - 90
            ) as recent_loss_count,
            count(*) filter (
                where
                    placements.lost_date is null
                    and placements.verified_date is not null
                    and placements.promised_rel = '{}'
                    and 'nofollow' = any(placements.rel)
            ) as turned_nofollow_count,
            count(*) filter (
                where
                    placements.lost_date is null
                    and placements.verified_date is not null
                    and placements.promised_until_date
                    between dates.as_of_date and dates.as_of_date + 30
            ) as ending_count,
            count(*) filter (where placements.is_unqualified_paid) as unqualified_paid_count
        from {{ ref('fct_placement') }} as placements
        inner join
            {{ ref('int_relation__date_properties') }} as dates
            on dates.property_key = placements.property_key
        group by placements.property_key, placements.partner_key
    ),

    spoken as (
        select property_key, partner_key, bool_or(outcome = 'unsubscribed') is true as is_suppressed
        from {{ ref('int_relation__read_touches') }}
        group by property_key, partner_key
    ),

    replies as (
        select
            property_key,
            partner_key,
            array_agg(wait_days order by day, campaign_key, touch_id) as reply_waits
        from {{ ref('int_relation__list_replies') }}
        group by property_key, partner_key
    ),

    shifts as (
        select property_key, vendor, max(day) as day
        from {{ ref('rpt_scale_shift') }}
        where verdict in ('shifted', 're_ranked')
        group by property_key, vendor
    ),

    -- Sites whose score is half of what it was within a year, on a scale that did not move.
    fallen as (
        select
            sites.property_key,
            sites.partner_key,
            count(distinct sites.source_domain_key) as fallen_site_count
        from {{ ref('dim_partner_site') }} as sites
        inner join
            {{ ref('int_relation__date_properties') }} as dates
            on dates.property_key = sites.property_key
        inner join
            {{ ref('dim_domain') }} as newest
            on newest.domain_key = sites.source_domain_key
            and newest.valid_to_date is null
        inner join {{ ref('authority_scales') }} as scales on scales.vendor = newest.vendor
        inner join
            {{ ref('dim_domain') }} as earlier
            on earlier.domain_key = newest.domain_key
            and earlier.vendor = newest.vendor
            and earlier.authority >= 2 * newest.authority
            and earlier.authority - newest.authority > scales.tolerance
        left join
            shifts on shifts.property_key = sites.property_key and shifts.vendor = newest.vendor
        where
            not sites.is_shared_host
            and not sites.is_contested
            and sites.from_date <= dates.as_of_date
            and sites.to_date > dates.as_of_date
            and earlier.valid_to_date > greatest(dates.as_of_date - 365, shifts.day)
        group by sites.property_key, sites.partner_key
    )

select
    partners.property_key,
    partners.partner_key,
    partners.partner_name,
    partners.kind,
    coalesce(tried.try_count, 0)::integer as try_count,
    coalesce(tried.replied_try_count, 0)::integer as replied_try_count,
    coalesce(tried.verified_try_count, 0)::integer as verified_try_count,
    coalesce(promised.standing_count, 0)::integer as standing_count,
    coalesce(promised.lost_link_count, 0)::integer as lost_link_count,
    coalesce(promised.link_days, 0)::integer as link_days,
    coalesce(
        tried.work_money / tried.try_count,
        sum(tried.work_money) over of_property / sum(tried.try_count) over of_property
    )::double precision as work_per_try,
    coalesce(partners.price_dollars, promised.mean_money)::double precision as price_dollars,
    coalesce(spoken.is_suppressed, false) as is_suppressed,
    replies.reply_waits,
    coalesce(promised.recent_loss_count, 0)::integer as recent_loss_count,
    coalesce(promised.turned_nofollow_count, 0)::integer as turned_nofollow_count,
    coalesce(promised.ending_count, 0)::integer as ending_count,
    coalesce(promised.unqualified_paid_count, 0)::integer as unqualified_paid_count,
    coalesce(fallen.fallen_site_count, 0)::integer as fallen_site_count
from partners
left join
    tried on tried.property_key = partners.property_key and tried.partner_key = partners.partner_key
left join
    promised
    on promised.property_key = partners.property_key
    and promised.partner_key = partners.partner_key
left join
    spoken
    on spoken.property_key = partners.property_key
    and spoken.partner_key = partners.partner_key
left join
    replies
    on replies.property_key = partners.property_key
    and replies.partner_key = partners.partner_key
left join
    fallen
    on fallen.property_key = partners.property_key
    and fallen.partner_key = partners.partner_key
window of_property as (partition by partners.property_key)
