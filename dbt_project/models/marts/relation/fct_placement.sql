{{ config(
    materialized='table',
    indexes=[{'columns': ['property_key', 'link_key']}, {'columns': ['property_key', 'partner_key']}],
) }}

with
    placements as (
        select
            placements.*,
            matches.link_key,
            matches.match_grade,
            matches.match_grade in ('exact', 'same_page') as is_verified,
            case
                placements.payment
                when 'weekly'
                then 7
                when 'monthly'
                then 365.25 / 12
                when 'quarterly'
                then 365.25 / 4
                when 'yearly'
                then 365.25
            end as term_days
        from {{ ref('int_relation__list_placements') }} as placements
        inner join
            {{ ref('int_relation__match_placements') }} as matches
            on matches.property_key = placements.property_key
            and matches.placement_key = placements.placement_key
    ),

    met as (
        select
            placements.*,
            links.rel,
            greatest(
                links.first_sight_date,
                case when links.property_key is not null then placements.agreed_date end
            ) as verified_date,
            links.lost_date,
            coalesce(
                placements.paid_from_date, placements.placed_date, placements.agreed_date
            ) as paid_begin_date
        from placements
        left join
            {{ ref('int_relation__list_links') }} as links
            on links.property_key = placements.property_key
            and links.link_key = placements.link_key
    ),

    -- From look to look: the last that met it, the loss, and the first that missed it.
    stays as (
        select
            met.property_key,
            met.placement_key,
            max(span.last_live_day) as last_live_date,
            range_agg(
                daterange(span.begin_date, greatest(span.last_live_day, span.begin_date))
            ) as low_days,
            range_agg(
                daterange(
                    span.begin_date, greatest(span.lost_date, span.last_live_day, span.begin_date)
                )
            ) as likely_days,
            range_agg(
                daterange(
                    span.begin_date,
                    greatest(span.lost_observed_date, span.last_live_day, span.begin_date)
                )
            ) as high_days
        from met
        inner join
            {{ ref('int_relation__extend_spans') }} as told
            on told.property_key = met.property_key
            and told.link_key = met.link_key
        cross join
            lateral(
                select
                    greatest(told.span_begin_date, met.verified_date) as begin_date,
                    told.last_live_day,
                    told.lost_date,
                    told.lost_observed_date
            ) as span
        group by met.property_key, met.placement_key
    ),

    lived as (
        select
            property_key,
            placement_key,
            last_live_date,
            (
                select coalesce(sum(upper(days) - lower(days)), 0) from unnest(low_days) as days
            )::integer as live_days_low,
            (
                select coalesce(sum(upper(days) - lower(days)), 0) from unnest(likely_days) as days
            )::integer as live_days,
            (
                select coalesce(sum(upper(days) - lower(days)), 0) from unnest(high_days) as days
            )::integer as live_days_high
        from stays
    ),

    -- A term that was paid for is spent, though the link went before its end.
    spent as (
        select
            met.*,
            case
                when met.paid_until_date is not null
                then least(met.paid_until_date, met.as_of_date) + 1 - met.paid_begin_date
                when met.is_verified and met.lost_date is not null
                then
                    ceil(greatest(met.lost_date - met.paid_begin_date, 0) / met.term_days)
                    * met.term_days
                else met.as_of_date + 1 - met.paid_begin_date
            end as paid_days
        from met
    )

select
    spent.property_key,
    spent.placement_key,
    spent.partner_key,
    spent.campaign_key,
    spent.kind,
    spent.agreed_date,
    spent.placed_date,
    spent.promised_url,
    spent.target_url,
    spent.page_key,
    spent.link_key,
    spent.match_grade,
    case when spent.is_verified then spent.verified_date end as verified_date,
    case when spent.is_verified then spent.lost_date end as lost_date,
    coalesce(lived.live_days_low, 0) as live_days_low,
    coalesce(lived.live_days, 0) as live_days,
    coalesce(lived.live_days_high, 0) as live_days_high,
    case
        when spent.link_key is null or spent.lost_date is not null
        then 0
        when spent.as_of_date - lived.last_live_date > 190
        then spent.as_of_date - lived.last_live_date
        else 0
    end as unknown_days,
    spent.payment,
    spent.price,
    spent.currency,
    case
        when spent.payment in ('none', 'barter')
        then 0
        when
            spent.payment = 'once'
            and coalesce(spent.placed_date, spent.agreed_date) > spent.as_of_date
        then 0
        when spent.payment = 'once'
        then spent.price_dollars
        else spent.price_dollars * greatest(spent.paid_days, 0) / spent.term_days
    end::double precision as money,
    spent.promised_until_date,
    spent.promised_rel,
    spent.rel,
    paid.is_paid,
    case
        when not paid.is_paid
        then false
        when spent.is_verified
        then not (spent.rel && array['nofollow', 'sponsored'])
    end as is_unqualified_paid,
    case
        spent.match_grade
        when 'probable'
        then 'another_page_of_the_site'
        when 'ambiguous'
        then 'several_as_near'
        when 'contradicted'
        then 'page_read_without_link'
        when 'unverified'
        then 'no_link_seen'
    end as reason
from spent
left join
    lived on lived.property_key = spent.property_key and lived.placement_key = spent.placement_key
cross join
    lateral(
        select
            spent.payment = 'barter'
            or (coalesce(spent.price, 0) > 0 and spent.payment <> 'none') as is_paid_or_null
    ) as payments
cross join lateral(select coalesce(payments.is_paid_or_null, false) as is_paid) as paid
