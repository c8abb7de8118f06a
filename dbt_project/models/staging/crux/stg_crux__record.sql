with records as (select * from {{ source('crux', 'record') }} where part = '')

select
    property_key,
    day,
    coalesce(target_normalised, target) as target_url,
    {{ page_key('target') }} as target_url_key,
    is_origin,
    {{ bounded('lower(form_factor)', 200) }} as form_factor,
    {{ bounded('metric', 200) }} as metric,
    first_date,
    last_date,
    p75,
    good_share,
    needs_improvement_share,
    poor_share,
    observed_at
from records
