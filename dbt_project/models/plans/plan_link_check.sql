with
    links as (
        select *
        from {{ ref('dim_link') }}
        where source_url ~ '^https?://' and target_url is not null
    ),

    checks as (select * from {{ ref('int_link__sum_checks') }}),

    -- The plan is the next night's.
    nights as (
        select property_key, max(day) + 1 as night
        from {{ ref('stg_ops__publication') }} as publication
        where {{ is_of_kind('publication', ['links', 'page_visits'], is_export=false) }}
        group by property_key
    ),

    -- Of a witness's claims of a month sixty stand for all; which, their keys say.
    claims as (
        select
            property_key,
            link_key,
            event_date,
            row_number() over (
                partition by property_key, witness, date_trunc('month', event_date)
                order by {{ key64("'claim'", 'link_key::text') }}
            ) as claim_no
        from {{ ref('fct_link_event') }}
        where event_type = 'lost' and loss_basis = 'vendor_claim' and evidence <> 'refuted'
    ),

    fresh_claims as (
        select claims.property_key, claims.link_key, max(claims.event_date) as claimed_date
        from claims
        inner join nights on nights.property_key = claims.property_key
        where claims.claim_no <= 60 and claims.event_date >= nights.night - 14
        group by claims.property_key, claims.link_key
    ),

    page_urls as (
        select page.property_key, page.page_key, jsonb_agg(distinct spelled.url) as urls
        from {{ ref('dim_page_url') }} as page
        cross join lateral(values (page.url), (page.page_url)) as spelled(url)
        where page.is_current
        group by page.property_key, page.page_key
    ),

    judged as (
        select
            links.property_key,
            links.source_url,
            coalesce(links.source_domain, links.source_url) as source_domain,
            links.target_url,
            links.page_key,
            case when checks.anchor is null then links.rel else checks.rel end as rel,
            coalesce(checks.anchor, links.anchor) as anchor,
            checks.place,
            nights.night - checks.last_visit_day as days_since,
            hazards.loss_share,
            worth.weight,
            case
                -- After a visit that told nothing as long again.
                when
                    nights.night
                    >= checks.last_visit_day
                    + (
                        case
                            when checks.is_intermittent then array[1, 3, 7, 7, 14] else array[2, 5]
                        end
                    )[checks.miss_count]
                then 'confirm'
                when
                    claims.claimed_date is not null
                    and coalesce(checks.last_visit_day < claims.claimed_date, true)
                then 'claim'
                when lifespans.state = 'lost'
                then null
                when checks.last_visit_day is null
                then 'new'
                when
                    checks.miss_count = 0
                    or (
                        checks.miss_count >= checks.needed_count
                        and lifespans.last_sight_date > checks.last_miss_day
                    )
                then 'schedule'
            end as reason
        from links
        inner join
            {{ ref('fct_link_lifespan') }} as lifespans
            on lifespans.property_key = links.property_key
            and lifespans.link_key = links.link_key
        inner join nights on nights.property_key = links.property_key
        inner join
            {{ ref('int_link__value_links') }} as worth
            on worth.property_key = links.property_key
            and worth.link_key = links.link_key
        left join
            checks on checks.property_key = links.property_key and checks.link_key = links.link_key
        left join
            fresh_claims as claims
            on claims.property_key = links.property_key
            and claims.link_key = links.link_key
        left join
            {{ ref('int_link__weigh_hazards') }} as hazards
            on hazards.property_key = links.property_key
            and hazards.rel_class = {{ rel_class("array_to_string(links.rel, ' ')") }}
            and hazards.place = coalesce(links.place, 'unknown')
            and nights.night - lifespans.first_sight_date
            between hazards.first_age_day and hazards.last_age_day
        union all
        -- Where a link was promised that nobody has seen: weekly, while it may be the promised one.
        select
            promises.property_key,
            promises.source_url,
            promises.source_domain,
            promises.target_url,
            promises.page_key,
            promises.rel,
            null,
            null,
            nights.night - promises.last_visit_day,
            null,
            1,
            'promised'
        from {{ ref('int_relation__list_unseen_promises') }} as promises
        inner join nights on nights.property_key = promises.property_key
        where
            nights.night between promises.from_date and promises.from_date + 90
            and coalesce(nights.night >= promises.last_visit_day + 7, true)
    ),

    pages as (
        select
            judged.property_key,
            judged.source_url,
            min(judged.source_domain) as source_domain,
            min(
                array_position(
                    array['confirm', 'claim', 'promised', 'new', 'schedule'], judged.reason
                )
            ) as reason_no,
            coalesce(max(judged.days_since), 180)
            * sqrt(sum(judged.weight * coalesce(judged.loss_share, 0.001))) as score,
            coalesce(max(judged.days_since) >= 180, false) as is_overdue,
            jsonb_build_object(
                'url',
                judged.source_url,
                'links',
                jsonb_agg(
                    jsonb_build_object(
                        'target',
                        judged.target_url,
                        'urls',
                        coalesce(page_urls.urls, '[]'),
                        'rel',
                        to_jsonb(judged.rel),
                        'anchor',
                        judged.anchor,
                        'place',
                        judged.place
                    )
                    order by judged.target_url
                )
            )::text as ask
        from judged
        left join
            page_urls
            on page_urls.property_key = judged.property_key
            and page_urls.page_key = judged.page_key
        where judged.reason is not null
        group by judged.property_key, judged.source_url
    ),

    awake as (
        select
            pages.*,
            row_number() over (
                partition by pages.property_key, pages.source_domain
                order by pages.reason_no, pages.is_overdue desc, pages.score desc, pages.source_url
            ) as domain_place
        from pages
        inner join nights on nights.property_key = pages.property_key
        left join
            {{ ref('int_link__list_resting_hosts') }} as resting
            on resting.property_key = pages.property_key
            and resting.host = {{ url_host('pages.source_url') }}
        where coalesce(nights.night > resting.rests_until, true)
    )

select
    property_key,
    row_number() over (
        partition by property_key order by reason_no, is_overdue desc, score desc, source_url
    )::integer as place,
    ask,
    score,
    (array['confirm', 'claim', 'promised', 'new', 'schedule'])[reason_no] as reason
from awake
where domain_place <= 50
