{#- Who links: the domain; a page without one (an address) stands for itself. `links` is int_link__describe_links. -#}
{% macro linking_key(links) -%} coalesce({{ links }}.source_domain_key, {{ links }}.source_page_key) {%- endmacro %}

{#- The first and the newest day on which anybody looked for links. -#}
{% macro link_looks() -%}
    select property_key, min(day) as first_day, max(day) as last_day
    from {{ ref('int_link__judge_looks') }}
    group by property_key
{%- endmacro %}

{#- The words of a link as they are compared: in small letters. A tsvector holds a megabyte, so many letters are read. -#}
{% macro plain_anchor(anchor) -%} coalesce(lower(btrim(left({{ anchor }}, 100000))), '') {%- endmacro %}

{#- What the newest comparison of each link says that it did to log position: of one that came back, the last. -#}
{% macro newest_judged() -%}
    select distinct
        on (property_key, link_key)
        property_key,
        link_key,
        shrunk_effect,
        shrunk_low,
        shrunk_high
    from {{ ref('rpt_link_contribution') }}
    where outcome = 'log_position' and arm = 'acquired_followed' and reason is null
    order by property_key, link_key, event_date desc, panel, event_key
{%- endmacro %}

{#- Places of domains among all of the web, by the newest reading: of no property. -#}
{% macro newest_places() -%}
    select domain_key, rank_position, domain_count
    from {{ ref('int_domain__place_domains') }}
    where
        measure = 'harmonic'
        and day = (
            select max(day)
            from {{ ref('int_domain__place_domains') }}
            where measure = 'harmonic'
        )
{%- endmacro %}

{#- What a domain sends on by its place in the web: 0 for the last domain of all, 8 and more for the first. -#}
{% macro sent_authority(places) -%}
    log({{ places }}.domain_count / {{ places }}.rank_position::double precision)
{%- endmacro %}

{#- Class of a set of rel: only followed passes, and what nobody told of is in no arm. -#}
{% macro rel_class(rel_set) -%}
    case when {{ rel_set }} = '' then 'followed' when {{ rel_set }} is null then 'unknown' else 'nofollow' end
{%- endmacro %}

{#-
Stretches of days on which each link lived, by class of its rel: from its beginning, or a change of rel, to the day before
whatever came next. A link that was there at the start begins at -infinity, one that is live ends at infinity.
-#}
{% macro link_lives() -%}
    with
        spans as (select * from {{ ref('int_link__date_spans') }}),

        events as (
            select
                property_key,
                link_key,
                stay_no,
                witness,
                'begun' as event_type,
                case when stay_no > 1 then coalesce(start_date, begin_day) else start_date end as event_date,
                begin_day as observed_date,
                begin_rel_set as rel_set
            from spans
            where is_beginning
            union all
            select property_key, link_key, stay_no, witness, 'lost', lost_date, lost_observed_date, null
            from spans
            where is_ending
            union all
            select
                changes.property_key,
                changes.link_key,
                spans.stay_no,
                changes.witness,
                'rel_changed',
                changes.event_date,
                changes.observed_date,
                changes.rel_set
            from {{ ref('int_link__find_changes') }} as changes
            inner join
                spans
                on spans.property_key = changes.property_key
                and spans.link_key = changes.link_key
                and spans.witness = changes.witness
                and changes.observed_date between spans.begin_day and spans.last_live_day
            where changes.event_type = 'rel_changed'
        ),

        -- Of what several witnesses say of one date, the word that came last stands.
        followed as (
            select
                *,
                lead(event_date) over link_events as next_date,
                lead(event_type) over link_events as next_type
            from events
            window
                link_events as (
                    partition by property_key, link_key
                    order by
                        stay_no,
                        event_date nulls first,
                        array_position(array['begun', 'rel_changed', 'lost'], event_type),
                        observed_date,
                        witness,
                        rel_set
                )
        ),

        lives as (
            select
                followed.property_key,
                followed.link_key,
                {{ linking_key('links') }} as linking_key,
                links.page_key as target_url_key,
                {{ rel_class('followed.rel_set') }} as rel_class,
                coalesce(followed.event_date, '-infinity') as begin_date,
                case
                    when followed.next_type is null then 'infinity' else coalesce(followed.next_date, '-infinity')
                end as end_date
            from followed
            inner join
                {{ ref('int_link__describe_links') }} as links
                on links.property_key = followed.property_key
                and links.link_key = followed.link_key
            where followed.event_type <> 'lost'
        )

    select *
    from lives
    where begin_date < end_date
{%- endmacro %}

{#-
Lives of links and the pages that their targets led to, from from_date to the day before to_date. Until its first version a URL
is its own page, and without one for ever.
-#}
{% macro placed_lives() -%}
    with
        lives as ({{ link_lives() }}),

        versions as (select * from {{ ref('int_page__version_pages') }}),

        first_versions as (
            select property_key, url_key, min(valid_from_date) as valid_from_date
            from versions
            group by property_key, url_key
        )

    select
        lives.*,
        lives.target_url_key as page_key,
        date '-infinity' as from_date,
        coalesce(first_versions.valid_from_date, 'infinity') as to_date
    from lives
    left join
        first_versions
        on first_versions.property_key = lives.property_key
        and first_versions.url_key = lives.target_url_key
    where lives.target_url_key is not null
    union all
    select lives.*, versions.page_key, versions.valid_from_date, versions.valid_to_date
    from lives
    inner join
        versions
        on versions.property_key = lives.property_key
        and versions.url_key = lives.target_url_key
{%- endmacro %}

{#-
Lives (begin_date, end_date) of rows of `lives` that are alike by `columns`, where those that overlap or touch are one: what comes
or goes within it changes no count.
-#}
{% macro merged_lives(lives, columns) -%}
    {%- set alike = columns | join(', ') -%}
    select {{ alike }}, min(begin_date) as begin_date, max(end_date) as end_date
    from
        (
            select *, count(*) filter (where is_apart) over lives_alike as stay_no
            from
                (
                    select
                        *,
                        begin_date > max(end_date) over (
                            partition by {{ alike }}
                            order by begin_date, end_date
                            rows between unbounded preceding and 1 preceding
                        ) as is_apart
                    from {{ lives }}
                ) as compared
            window lives_alike as (partition by {{ alike }} order by begin_date, end_date)
        ) as numbered
    group by {{ alike }}, stay_no
{%- endmacro %}
