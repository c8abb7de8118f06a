{%- set used = ['calls', 'calls_reused', 'calls_cut', 'units', 'bytes_read', 'money'] -%}
with
    used as (
        select property_key, source, call_date, {{ used | join(', ') }}
        from {{ ref('stg_ops__load') }}
        union all
        select property_key, source, call_date, {{ used | join(', ') }}
        from {{ ref('stg_ops__order_usage') }}
        union all
        select property_key, source, call_date, {{ used | join(', ') }}
        from {{ ref('stg_ops__load_month') }}
    )

select
    property_key,
    source,
    call_date,
    coalesce(sum(calls), 0)::bigint as calls,
    coalesce(sum(calls_reused), 0)::bigint as calls_reused,
    coalesce(sum(calls_cut), 0)::bigint as calls_cut,
    coalesce(sum(units), 0)::numeric(18, 6) as units,
    coalesce(sum(bytes_read), 0)::bigint as bytes_read,
    coalesce(sum(money), 0)::numeric(18, 6) as money
from used
group by property_key, source, call_date
