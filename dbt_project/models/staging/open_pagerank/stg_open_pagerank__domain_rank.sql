with ranks as (select * from {{ source('open_pagerank', 'domain_rank') }} where part = '')

select
    property_key,
    day,
    domain,
    {{ domain_key('domain') }} as domain_key,
    status_code = 200 as is_known,
    case when status_code = 200 then page_rank_decimal end as page_rank,
    rank as page_rank_position,
    observed_at
from ranks
