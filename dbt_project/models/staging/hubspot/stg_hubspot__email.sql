{#- Of each mail what was told last: the companies that it is about may have changed. -#}
with
    mails as (select * from {{ source('hubspot', 'email') }} where part = ''),

    dated as (
        select *, max(observed_at) over (partition by property_key, email_id) as told_at from mails
    )

select
    property_key,
    said_on as day,
    partner,
    {{ key64(plain_name('partner')) }} as partner_key,
    campaign,
    {{ key64(plain_name('campaign')) }} as campaign_key,
    'email' as kind,
    direction,
    case
        when status = 'BOUNCED' then 'bounced' when direction = 'in' then 'replied' else 'none'
    end as outcome,
    null::double precision as minutes,
    null::double precision as cost,
    null::text as currency,
    email_id as touch_id,
    observed_at
from dated
where
    observed_at = told_at
    and not is_archived
    and direction is not null
    and said_on is not null
    and partner is not null
    and coalesce(status, 'SENT') not in ('FAILED', 'SCHEDULED', 'SENDING')
