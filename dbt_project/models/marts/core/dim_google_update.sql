with
    -- What the dashboard said last of each incident.
    incidents as (
        select distinct on (property_key, incident_id) *
        from {{ ref('int_search__read_incidents') }}
        order by property_key, incident_id, day desc
    ),

    told as (
        select
            property_key,
            incident_id,
            incident_name as update_name,
            case
                when incident_name ~* 'discover.* update'
                then 'discover'
                when incident_name ~* 'spam update'
                then 'spam'
                when incident_name ~* 'core update'
                then 'core'
                when incident_name ~* 'reviews? update'
                then 'reviews'
                when incident_name ~* 'helpful content'
                then 'helpful_content'
                when service_name = 'Ranking' and incident_name ~* 'update'
                then 'other'
                when service_name = 'Ranking'
                then 'ranking_incident'
                else 'incident'
            end as kind,
            (begin_at at time zone 'UTC')::date as begins_on,
            (end_at at time zone 'UTC')::date as ends_on,
            incident_url as source_url
        from incidents
    ),

    maintained as (select * from {{ ref('known_updates') }}),

    -- One update: the same name, in whatever case, and begun within a month of each other.
    matches as (
        select distinct
            on (told.property_key, told.incident_id)
            told.property_key,
            told.incident_id,
            maintained.update_name as maintained_name,
            maintained.ends_on
        from told
        inner join
            maintained
            on lower(maintained.update_name) = lower(told.update_name)
            and abs(maintained.begins_on - told.begins_on) <= 31
        order by
            told.property_key,
            told.incident_id,
            abs(maintained.begins_on - told.begins_on),
            maintained.begins_on
    ),

    united as (
        -- The dashboard is right, but for an end that it has not been heard to tell.
        select
            told.update_name,
            told.kind,
            told.begins_on,
            coalesce(told.ends_on, matches.ends_on) as ends_on,
            told.source_url,
            told.incident_id
        from told
        left join
            matches
            on matches.property_key = told.property_key
            and matches.incident_id = told.incident_id
        union all
        select update_name, kind, begins_on, ends_on, source_url, null
        from maintained
        where update_name not in (select maintained_name from matches)
    ),

    -- Nothing but its identifier tells one incident from another of the same title and day.
    named as (
        select distinct on (lower(update_name), begins_on) *
        from united
        order by lower(update_name), begins_on, incident_id desc nulls last
    )

select
    {{ key64('lower(update_name)', 'begins_on::text') }} as google_update_key,
    update_name,
    kind,
    begins_on,
    ends_on,
    kind
    in ('core', 'spam', 'reviews', 'helpful_content', 'other', 'ranking_incident') as is_confounder,
    incident_id,
    source_url
from named
