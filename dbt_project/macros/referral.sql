{#- What staging tells of the columns that all who count visits have (sources/visits.py). An app's host is its package. -#}
{% macro told_visit() -%}
    {%- set url = 'coalesce(referrer_normalised, referrer)' -%}
    referrer_state,
    {{ url }} as referrer_url,
    coalesce({{ url_host(url) }}, substring({{ url }} from '^android-app://([^/]+)')) as referrer_host,
    referrer_domain,
    referrer_key as referrer_url_key,
    coalesce(landing_normalised, landing) as landing_url,
    {{ page_key('landing') }} as landing_url_key,
    landing_tag
{%- endmacro %}

{#-
The class of each referrer of `referrers` (columns property_key, referrer_url, referrer_host) that the property or a list names. Hosts are met
from label to label, never within one: what the property states first, the longest host of it; then class by class in their order and, within
a class, a path before none and the longest host first.
-#}
{% macro listed_referrers(referrers) -%}
    select distinct
        on (suffixes.property_key, suffixes.referrer_url)
        suffixes.property_key,
        suffixes.referrer_url,
        listed.class,
        listed.site
    from
        (
            select
                referrers.property_key,
                referrers.referrer_url,
                suffix.labels = 1 as is_whole,
                array_to_string(referrers.labels[suffix.labels:], '.') as host,
                substring(referrers.referrer_url from '^[a-z-]+://[^/]+(/.*)') as path
            from
                (
                    select property_key, referrer_url, string_to_array(referrer_host, '.') as labels
                    from {{ referrers }}
                ) as referrers
            cross join lateral generate_series(1, cardinality(referrers.labels)) as suffix(labels)
        ) as suffixes
    -- Rows, not a choice of two: what is equal to one thing PostgreSQL looks up, and tried each host of the list with each referrer.
    cross join
        lateral(
            values (suffixes.host), (regexp_replace(suffixes.host, '(\.((com?|org)\.)?[a-z]{2}|\.com)$', '.*'))
        ) as name(host)
    inner join
        (
            select null::integer as property_key, class, host, path, is_below, site
            from {{ ref('referral_hosts') }}
            union all
            select property_key, class, host, null as path, true as is_below, null as site
            from {{ ref('stg_ops__referrer_class') }}
        ) as listed
        on listed.host = name.host
    where
        coalesce(listed.property_key = suffixes.property_key, true)
        and (listed.is_below or suffixes.is_whole)
        and (
            listed.path is null
            or suffixes.path = listed.path
            or starts_with(suffixes.path, listed.path || '/')
        )
    order by
        suffixes.property_key,
        suffixes.referrer_url,
        listed.property_key is null,
        case
            when listed.property_key is null
            then array_position(array['ai_assistant', 'search', 'social', 'mail'], listed.class)
        end,
        listed.path is null,
        length(suffixes.host) desc
{%- endmacro %}

{#-
Visits of `visits` with these columns and the address that their referrer means. A witness may leave out its scheme, `www.` and the slash at
its end (`bare` are visits that have other_url_keys): then a page with a live link comes before a host with one, https before http, and both before `www.`.
-#}
{% macro resolved_visits(visits, bare, columns) -%}
    select
        {%- for column in columns %}
            visit.{{ column }},
        {%- endfor %}
        coalesce(resolved.url, visit.referrer_url) as referrer_url,
        coalesce(resolved.host, visit.referrer_host) as referrer_host,
        coalesce(resolved.url_key, visit.referrer_url_key) as referrer_url_key
    from {{ visits }} as visit
    left join
        ({{ _resolved_referrers(bare) }}) as resolved
        on resolved.property_key = visit.property_key
        and resolved.day = visit.day
        and resolved.referrer_url = visit.referrer_url
        and visit.other_url_keys is not null
{%- endmacro %}

{% macro _resolved_referrers(bare) -%}
    select distinct
        on (named.property_key, named.day, named.referrer_url)
        named.property_key,
        named.day,
        named.referrer_url,
        named.url,
        named.host,
        named.url_key
    from
        (
            select
                bare.property_key,
                bare.day,
                bare.referrer_url,
                address.no,
                address.scheme
                || address.www
                || substring(bare.referrer_url from '^https://(.*)$')
                || address.slash as url,
                address.www || bare.referrer_host as host,
                bare.other_url_keys[address.no] as url_key
            from
                (
                    select distinct property_key, day, referrer_url, referrer_host, other_url_keys
                    from {{ bare }}
                ) as bare
            cross join
                (
                    values
                        (1, 'https://', '', ''),
                        (2, 'https://', '', '/'),
                        (3, 'http://', '', ''),
                        (4, 'http://', '', '/'),
                        (5, 'https://', 'www.', ''),
                        (6, 'https://', 'www.', '/'),
                        (7, 'http://', 'www.', ''),
                        (8, 'http://', 'www.', '/')
                ) as address(no, scheme, www, slash)
            where address.slash = '' or bare.other_url_keys <> '{}'
        ) as named
    left join
        {{ ref('int_referral__list_lives') }} as lives
        on lives.property_key = named.property_key
        and lives.source_host_key = {{ key64('named.host') }}
        and lives.live_days && daterange(named.day - 1, named.day + 1, '[]')
    order by
        named.property_key,
        named.day,
        named.referrer_url,
        coalesce(lives.source_page_key = named.url_key, false) desc,
        lives.link_key is null,
        named.no
{%- endmacro %}

{#- Whose a visit is, the first that holds; of what the model has found out of it. -#}
{% macro class_of_referrer() -%}
    case
        when is_own or listed_class = 'own'
        then 'own'
        when grade in ('exact', 'exact_page')
        then 'link'
        when is_ghost
        then 'spam'
        when listed_class <> 'site'
        then listed_class
        when landing_tag is not null
        then landing_tag
        when has_links
        then 'link_host'
        when referrer_state in ('known', 'overflow')
        then 'other_site'
        when referrer_state = 'app'
        then 'app'
        else 'none'
    end
{%- endmacro %}

{#- Whether an interval leaves the value untold: it is wider than five visits, and than the value. -#}
{% macro is_wide(value, low, high) -%} {{ high }} - {{ low }} > greatest(5, {{ value }}) {%- endmacro %}
