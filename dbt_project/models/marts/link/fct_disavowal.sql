{#- A statement says of every entry of the one before whether it is disavowed still. -#}
{%- set claims = {'kinds': ['disavowals'], 'whole': ['disavowals']} -%}
{{ config(materialized='incremental', incremental_strategy='append', meta={'claims': claims}) }}

with
    claimed as ({{ claimed_days(claims) }}),

    told as (
        select told.*
        from {{ ref('int_link__read_disavowals') }} as told {{ join_days('told', claims=claims) }}
    ),

    statements as (
        select
            property_key,
            origin,
            day,
            statement,
            row_number() over statements_so_far as statement_no,
            lead(day) over statements_so_far as next_day
        from told
        where entry is null
        window statements_so_far as (partition by property_key, origin order by day)
    ),

    -- Entries that follow each other from statement to statement have one stay.
    listed as (
        select
            told.*,
            statements.next_day,
            statements.statement_no - row_number() over (
                partition by told.property_key, told.origin, told.entry_type, told.entry
                order by told.day
            ) as stay_no
        from told
        inner join
            statements
            on statements.property_key = told.property_key
            and statements.origin = told.origin
            and statements.day = told.day
            and statements.statement = told.statement
        where told.entry is not null
    )

select
    property_key,
    origin,
    {{ key64('entry_type', 'entry') }} as entry_key,
    min(day) as day,
    case when bool_and(next_day is not null) then max(next_day) end as to_date,
    max(day) as last_statement_date,
    entry_type,
    entry,
    min(source_domain) as source_domain,
    min(source_domain_key) as source_domain_key,
    min(source_page_key) as source_page_key
from listed
group by property_key, origin, entry_type, entry, stay_no
