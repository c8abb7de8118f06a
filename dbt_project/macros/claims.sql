{#-
An incremental model says what it is built from, once:

    {%- set claims = {'kinds': ['checks', 'results'], 'days_after': 28} -%}
    {{ config(materialized='incremental', incremental_strategy='append', meta={'claims': claims}) }}
    with claimed as ({{ claimed_days(claims) }}), ...

kinds is what it takes in, whoever provides it (spec.Feed). days_after (days_before) is the model's reach: how many later
(earlier) days of the model a published day changes. whole names kinds of which one day states what holds on every day
(keywords): a build that claims one rebuilds all days of the property.
follows_pages adds the days on which a URL has come to lead to another page (int_page__list_moved_days), widened alike;
follows_lives those on which other links live than before (int_referral__list_changed_days).
claimed_days(claims) is then the set of (property_key, day) to rebuild; the project's pre-hook deletes the same set from
the table inside the model's transaction, so that a day which became empty loses its rows, and dbt appends. Without an
argument the config's claims are taken, but a dbt unit test has no config: only give it up where there is none.
A table that is new, or built with --full-refresh, or a build_id of 0, takes every published day.
A day of which raw has given up rows of these kinds is in no set: its facts stay as they were built, whatever comes late.
-#}
{% macro claimed_days(claims=none) -%}
    {%- if not execute -%}
        {#- While dbt parses, and for sqlfluff, neither config nor relations are there: only what is read is named. -#}
        {%- do source('ops', 'publication') -%}
        {%- do source('ops', 'build_day') -%}
        {%- if claims and claims.get('follows_pages') %}{% do ref('int_page__list_moved_days') %}{% endif -%}
        {%- if claims and claims.get('follows_lives') %}{% do ref('int_referral__list_changed_days') %}{% endif -%}
        select null::integer as property_key, null::date as day
    {%- else -%}
        {%- set claims = claims or config.get('meta')['claims'] -%}
        {%- set before = claims.get('days_before', 0) -%}
        {%- set after = claims.get('days_after', 0) -%}
        select reached.property_key, reached.day
        from (
        {%- if is_incremental() and var('build_id') | int != 0 %}
            select distinct
                claimed.property_key,
                {% if before or after %}claimed.day + shift.days as day{% else %}claimed.day{% endif %}
            from
                (
                    select property_key, day
                    from {{ source('ops', 'build_day') }} as build_day
                    where
                        build_id = {{ var('build_id') | int }}
                        and {{ is_of_kind('build_day', claims['kinds']) }}
                    {% if claims.get('follows_pages') -%}
                        union
                        select property_key, day
                        from {{ ref('int_page__list_moved_days') }}
                    {%- endif %}
                    {% if claims.get('follows_lives') -%}
                        union
                        select property_key, day
                        from {{ ref('int_referral__list_changed_days') }}
                    {%- endif %}
                    {% if claims.get('whole') -%}
                        union
                        select publication.property_key, publication.day
                        from {{ source('ops', 'publication') }} as publication
                        where
                            publication.is_current
                            and {{ is_of_kind('publication', claims['kinds']) }}
                            and publication.property_key in (
                                select property_key
                                from {{ source('ops', 'build_day') }} as stating
                                where
                                    build_id = {{ var('build_id') | int }}
                                    and {{ is_of_kind('stating', claims['whole']) }}
                            )
                    {%- endif %}
                ) as claimed
            {% if before or after %}cross join generate_series({{ -before }}, {{ after }}) as shift (days){% endif %}
        {%- else %}
            select distinct claimed.property_key, claimed.day
            from {{ source('ops', 'publication') }} as claimed
            where claimed.is_current and {{ is_of_kind('claimed', claims['kinds']) }}
        {%- endif %}
        ) as reached
        where
            not exists (
                select
                from {{ source('ops', 'publication') }} as given_up
                where
                    given_up.dropped_at is not null
                    and given_up.property_key = reached.property_key
                    and given_up.day = reached.day
                    and {{ is_of_kind('given_up', claims['kinds']) }}
            )
    {%- endif -%}
{%- endmacro %}

{#-
Keeps of `alias` the rows of the days in the CTE `days` (columns property_key, day). Given the claims that `days` is made
of, a build over claimed days also gets their first and last day as literals: PostgreSQL then skips months of a
partitioned table, and reads less of a view that it cannot join by index. (As subqueries the bounds would be guessed to
keep one row in two hundred, and a rebuild of everything became a nested loop of hours.)
-#}
{% macro join_days(alias, days='claimed', claims=none) -%}
    inner join {{ days }}
        on {{ days }}.property_key = {{ alias }}.property_key
        and {{ days }}.day = {{ alias }}.day
    {%- if claims %} {{ within_claims(alias ~ '.day', claims) }}{% endif -%}
{%- endmacro %}

{#- Literal bounds of the claimed days on a column, with `margin` days more before them; nothing for a whole rebuild. -#}
{% macro within_claims(column, claims, margin=0) -%}
    {%- if execute and is_incremental() and var('build_id') | int != 0 -%}
        {%- set span = run_query("select min(day), max(day) from (" ~ claimed_days(claims) ~ ") as claimed").rows[0] -%}
        {%- if span[0] is none %} and false
        {%- else %} and {{ column }} between date '{{ span[0] }}' - {{ margin }} and date '{{ span[1] }}'
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- The project's pre-hook: see claimed_days. Does nothing for models without claims, and for new tables. -#}
{% macro replace_claimed_days() -%}
    {%- if execute and config.get('materialized') == 'incremental' and is_incremental() -%}
        {%- set claims = (config.get('meta') or {}).get('claims') -%}
        {%- if claims -%}
            delete from {{ this }} as stale
            using ({{ claimed_days(claims) }}) as claimed
            where
                stale.property_key = claimed.property_key
                and stale.day = claimed.day
                {{ within_claims('stale.day', claims) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- Months that hold a claimed day. -#}
{% macro claimed_months(claims) -%}
    select distinct claimed.property_key, date_trunc('month', claimed.day)::date as month
    from ({{ claimed_days(claims) }}) as claimed
{%- endmacro %}

{#- Pre-hook of a model kept by months. -#}
{% macro replace_claimed_months(claims) -%}
    {%- if execute and is_incremental() -%}
        delete from {{ this }} as stale
        {% if var('build_id') | int != 0 -%}
            using ({{ claimed_months(claims) }}) as claimed
            where stale.property_key = claimed.property_key and stale.month = claimed.month
        {%- endif %}
    {%- endif -%}
{%- endmacro %}

{#-
The project's other pre-hook. PostgreSQL cannot see how many rows a set of days selects, guesses one, and would join whole
tables by nested loops. Only a model that reads a build's own few days keeps them: there they follow the index.
-#}
{% macro plan_for_many_rows() -%}
    {%- if execute -%}
        {%- set is_by_day = (config.get('meta') or {}).get('claims') -%}
        {%- if not (is_by_day and is_incremental() and var('build_id') | int != 0) -%}
            set local enable_nestloop = off
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#-
The project's second pre-hook: of a property that is left out of a build every row goes, before the build makes it anew of
all its days but those that are hidden. A build that failed may have left rows of these anywhere.
-#}
{% macro forget_left_out() -%}
    {%- if execute and var('left_out') and config.get('materialized') == 'incremental' and is_incremental() -%}
        delete from {{ this }} where property_key in ({{ var('left_out') | join(', ') }})
    {%- endif -%}
{%- endmacro %}
