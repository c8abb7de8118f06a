-- As stg_commoncrawl_ranks__rank_quantile: a macro is written at its third use.
with
    ranks as (
        select
            *,
            array_to_string(
                array(
                    select label
                    from unnest(string_to_array(host_rev, '.'))
                    with ordinality as labels(label, place)
                    order by place desc
                ),
                '.'
            ) as domain
        from {{ source('commoncrawl_ranks', 'domain_rank') }}
        where part = ''
    )

{% for measure, column in [('harmonic', 'harmonicc'), ('pagerank', 'pr')] %}
        {{ 'union all' if not loop.first }}
    select
        property_key,
        day,
        release,
        domain,
        {{ domain_key('domain') }} as domain_key,
        '{{ measure }}' as measure,
        {{ column }}_val as value,
        {{ column }}_pos as rank_position,
        n_hosts as host_count,
        observed_at
    from ranks
{% endfor %}
