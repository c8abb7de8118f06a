with ranks as (select * from {{ source('commoncrawl_ranks', 'rank_quantile') }} where part = '')

select
    property_key,
    day,
    release,
    'harmonic' as measure,
    harmonicc_val as value,
    harmonicc_pos as rank_position,
    observed_at
from ranks
