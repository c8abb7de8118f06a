with referrers as (select * from {{ source('plausible', 'referrer') }} where part = '')

select
    property_key,
    day,
    'plausible'::text as witness,
    referrer_state,
    coalesce(referrer_normalised, referrer) as referrer_url,
    {{ referrer_host('coalesce(referrer_normalised, referrer)') }} as referrer_host,
    referrer_domain,
    referrer_key as referrer_url_key,
    -- Our own numbers, kept as texts.
    case
        when referrer_keys::text ~ '^\{(-?[0-9]{1,19}(,-?[0-9]{1,19})*)?\}$'
        then referrer_keys::bigint[]
    end as other_url_keys,
    coalesce(landing_normalised, landing) as landing_url,
    {{ page_key('landing') }} as landing_url_key,
    landing_tag,
    visits as visit_count,
    null::double precision as key_event_count,
    null::double precision as revenue,
    null::text as currency
from referrers
