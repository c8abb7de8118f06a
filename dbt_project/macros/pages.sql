{#-
Where URLs lead as of a day. A left join of the page's version, for `row`, whose column `key` is the key of a URL and
`day` an expression for the day; the page is then page_as_of(row, key). Without a version the URL is its own page.
-#}
{% macro join_page_version(row, key, day, version='version') -%}
    left join
        {{ ref('int_page__version_pages') }} as {{ version }}
        on {{ version }}.property_key = {{ row }}.property_key
        and {{ version }}.url_key = {{ row }}.{{ key }}
        and {{ day }} >= {{ version }}.valid_from_date
        and {{ day }} < {{ version }}.valid_to_date
{%- endmacro %}

{% macro page_as_of(row, key, version='version') -%}
    coalesce({{ version }}.page_key, {{ row }}.{{ key }})
{%- endmacro %}

{#- Steps of `first`, then of `second` from where those lead, while both hold; where no step follows the URL ends. -#}
{% macro follow_steps(first, second, compare=false) -%}
    select
        step.property_key,
        step.url_key,
        step.url,
        {%- if compare %}
            step.target_key,
            step.target_url,
            coalesce(next_step.target_key = step.target_key, true) as is_settled,
        {%- else %}
            coalesce(next_step.target_key, step.target_key) as target_key,
            coalesce(next_step.target_url, step.target_url) as target_url,
        {%- endif %}
        step.reason,
        greatest(step.from_date, next_step.from_date) as from_date,
        least(step.to_date, next_step.to_date) as to_date
    from {{ first }} as step
    left join
        {{ second }} as next_step
        on next_step.property_key = step.property_key
        and next_step.url_key = step.target_key
        and next_step.from_date < step.to_date
        and next_step.to_date > step.from_date
{%- endmacro %}

{#-
On which days a change of a page would have been, or was: a row for each crawl of it that is compared with an earlier one, and
for each change that people state. What a crawl found lies on one of several days.
-#}
{% macro dated_page_changes() -%}
    select
        property_key,
        page_key,
        day,
        'crawls' as kind,
        least(previous_content_day, previous_answer_day) + 1 as first_day,
        day as last_day,
        is_onpage_changed as is_changed
    from {{ ref('fct_page_crawl') }}
    where is_onpage_changed is not null
    union all
    select property_key, page_key, day, 'page_changes' as kind, day as first_day, day as last_day, true as is_changed
    from {{ ref('fct_page_change') }}
{%- endmacro %}
