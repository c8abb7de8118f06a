with referrers as (select * from {{ source('plausible', 'referrer') }} where part = '')

select
    property_key,
    day,
    'plausible'::text as witness,
    {{ told_visit() }},
    -- Our own numbers, kept as texts.
    case
        when referrer_keys::text ~ '^\{(-?[0-9]{1,19}(,-?[0-9]{1,19})*)?\}$'
        then referrer_keys::bigint[]
    end as other_url_keys,
    visits as visit_count,
    null::double precision as key_event_count,
    null::double precision as revenue,
    null::text as currency
from referrers
