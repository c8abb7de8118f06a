with
    strata as (select * from {{ ref('index_strata') }}),

    nights as (
        select property_key, max(day) + 1 as night
        from {{ ref('stg_ops__publication') }} as publication
        where
            {{ is_of_kind('publication', ['index_looks', 'crawls', 'checks', 'page_searches', 'links'], is_export=false) }}
        group by property_key
    ),

    properties as (select property_key, domain from {{ ref('stg_ops__property') }}),

    publications as (select * from {{ ref('int_page__date_publications') }}),

    last_crawls as (
        select distinct on (property_key, page_key) property_key, page_key, status_code
        from {{ ref('fct_page_crawl') }}
        order by property_key, page_key, day desc, origin
    ),

    links as (
        select property_key, page_key, max(event_date) as linked_date
        from {{ ref('fct_link_event') }}
        where event_type in ('acquired', 'restored')
        group by property_key, page_key
    ),

    states as (
        select *
        from {{ ref('fct_index_state') }}
        where to_date is null and engine = {{ search_engine() }}
    ),

    -- Also those that were refused, so that nobody asks for the same every night.
    inspections as (
        select property_key, url_key, max(day) as asked_day
        from {{ ref('fct_index_look') }}
        where witness = 'inspection' and engine = {{ search_engine() }}
        group by property_key, url_key
    ),

    proofs as (
        select distinct look.property_key, look.url_key
        from {{ ref('fct_index_look') }} as look
        inner join
            nights
            on nights.property_key = look.property_key
            and look.day >= nights.night - {{ var('proof_days') | int }}
        where look.witness <> 'inspection' and look.engine = {{ search_engine() }}
    ),

    log_spans as (select * from {{ ref('int_bot__span_whole_days') }}),

    visits as (
        select crawl.property_key, crawl.page_key, max(crawl.day) as visited_day
        from {{ ref('fct_bot_crawl') }} as crawl
        inner join {{ ref('dim_bot') }} as bot on bot.bot = crawl.bot
        where
            crawl.verdict = 'verified'
            and crawl.operator = {{ search_engine() }}
            and crawl.status_code in (200, 304)
            and bot.is_index_crawler
        group by crawl.property_key, crawl.page_key
    ),

    pages as (
        select
            page.property_key,
            page.page_key,
            page.url as ask,
            states.state,
            greatest(states.last_look_date, inspections.asked_day) as looked_day,
            publications.first_sight_date,
            coalesce(
                nights.night - publications.published_date <= {{ var('young_days') | int }}, false
            ) as is_young,
            coalesce(
                nights.night - links.linked_date <= {{ var('fresh_link_days') | int }}, false
            ) as is_linked,
            nights.night,
            log_spans.first_day as logged_from,
            visits.visited_day
        from {{ ref('dim_page') }} as page
        inner join nights on nights.property_key = page.property_key
        inner join properties on properties.property_key = page.property_key
        left join
            publications
            on publications.property_key = page.property_key
            and publications.page_key = page.page_key
        left join
            last_crawls
            on last_crawls.property_key = page.property_key
            and last_crawls.page_key = page.page_key
        left join links on links.property_key = page.property_key and links.page_key = page.page_key
        left join
            states on states.property_key = page.property_key and states.page_key = page.page_key
        left join
            inspections
            on inspections.property_key = page.property_key
            and inspections.url_key = page.page_key
        left join
            log_spans
            on log_spans.property_key = page.property_key
            and log_spans.last_day >= nights.night - {{ var('proof_days') | int }}
        left join
            visits on visits.property_key = page.property_key and visits.page_key = page.page_key
        left join
            proofs on proofs.property_key = page.property_key and proofs.url_key = page.page_key
        where
            page.is_current
            and {{ is_host_of('page.host', 'properties.domain') }}
            and proofs.url_key is null
            and (coalesce(last_crawls.status_code, 200) = 200 or states.state = 'indexed')
    ),

    sorted as (
        select
            *,
            coalesce(night - looked_day, greatest(night - first_sight_date, 7)) as waited_days,
            -- Nothing changes in an index unvisited; known only of days whose logs are whole.
            coalesce(
                logged_from <= coalesce(looked_day, first_sight_date)
                and (visited_day >= coalesce(looked_day, first_sight_date)) is not true,
                false
            ) as is_unvisited,
            {{ index_stratum('state', 'is_young', 'is_linked', 'looked_day is not null') }}
            as stratum
        from pages
    ),

    scored as (
        select
            sorted.*,
            case when strata.is_clock then {{ var('clock_weight') }} else 1 end
            * case when sorted.is_unvisited then {{ var('unvisited_weight') }} else 1 end
            * (
                1 - exp(
                    - (strata.change_rate * strata.prior_days + coalesce(changes.change_count, 0))
                    / (strata.prior_days + coalesce(changes.page_days, 0))
                    * greatest(sorted.waited_days, 0)
                )
            ) as score
        from sorted
        inner join strata on strata.stratum = sorted.stratum
        left join
            {{ ref('int_index__measure_changes') }} as changes
            on changes.property_key = sorted.property_key
            and changes.stratum = sorted.stratum
    ),

    ranked as (
        select
            *,
            row_number() over (partition by property_key order by score desc, page_key) as score_no,
            row_number() over (
                partition by property_key order by waited_days desc, page_key
            ) as age_no
        from scored
    ),

    -- Each tenth place is for who waited longest; in the nine between them the score decides.
    seated as (
        select *, score_no + (score_no - 1) / 9 as score_place, age_no * 10 as age_place from ranked
    )

select
    property_key,
    row_number() over (
        partition by property_key order by least(score_place, age_place), page_key
    )::integer as place,
    ask,
    score,
    case when age_place < score_place then 'longest_ago' else stratum end as reason
from seated
