-- As stg_commoncrawl_ranks__rank_quantile: a macro is written at its third use.
with ranks as (select * from {{ source('commoncrawl_ranks', 'domain_rank') }} where part = '')

select
    property_key,
    day,
    release,
    array_to_string(
        array(
            select label
            from unnest(string_to_array(host_rev, '.'))
            with ordinality as labels(label, place)
            order by place desc
        ),
        '.'
    ) as domain,
    harmonicc_pos as harmonic_position,
    harmonicc_val as harmonic_value,
    pr_pos as pagerank_position,
    pr_val as pagerank_value,
    n_hosts as host_count,
    observed_at
from ranks
