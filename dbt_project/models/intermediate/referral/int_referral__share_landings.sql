{%- set columns = [
    'property_key', 'day', 'witness', 'referrer_state', 'referrer_url', 'referrer_host', 'referrer_domain',
    'referrer_url_key', 'other_url_keys', 'landing_url', 'landing_url_key', 'landing_tag', 'visit_count', 'is_export',
] -%}
{%- set tellers = feeds_of(['landings']) | map(attribute='origin') | unique | join("', '") -%}
{%- set group = 'property_key, witness, day, source_host, landing_url_key' -%}

with
    landings as (
        select
            {{ group }},
            sum(session_count) as session_count,
            sum(key_event_count) as key_event_count,
            sum(revenue) as revenue,
            min(currency) as currency
        from {{ ref('int_referral__read_landings') }}
        where source_host is not null
        group by {{ group }}
    ),

    hosts as (
        select *, regexp_replace(referrer_host, '^www\.', '') as source_host
        from {{ ref('int_referral__read_visits') }}
        where witness in ('{{ tellers }}')
    ),

    counted as (select *, sum(visit_count) over (partition by {{ group }}) as host_count from hosts)

select {%- for column in columns %} {{ column }}, {%- endfor %} key_event_count, revenue, currency
-- Not of a step that both halves read: PostgreSQL would write its rows down, and know nothing of
-- them.
from {{ ref('int_referral__read_visits') }}
where witness not in ('{{ tellers }}')
union all
select
    {%- for column in columns %} counted.{{ column }}, {%- endfor %}
    landings.key_event_count
    * counted.visit_count
    / nullif(greatest(counted.host_count, landings.session_count), 0) as key_event_count,
    landings.revenue
    * counted.visit_count
    / nullif(greatest(counted.host_count, landings.session_count), 0) as revenue,
    landings.currency
from counted
left join
    landings
    on landings.property_key = counted.property_key
    and landings.witness = counted.witness
    and landings.day = counted.day
    and landings.source_host = counted.source_host
    and landings.landing_url_key = counted.landing_url_key
