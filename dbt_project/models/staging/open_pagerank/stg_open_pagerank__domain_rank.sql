with ranks as (select * from {{ source('open_pagerank', 'domain_rank') }} where part = '')

select
    property_key,
    day,
    null::text as release,
    domain,
    {{ domain_key('domain') }} as domain_key,
    'open_pagerank' as measure,
    case when status_code = 200 then page_rank_decimal end as value,
    rank as rank_position,
    null::bigint as host_count,
    observed_at
from ranks
