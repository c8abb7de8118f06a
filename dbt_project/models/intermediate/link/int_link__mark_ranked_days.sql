{%- set claims = {'kinds': ['checks', 'results'], 'follows_pages': true} -%}
{{
    config(
        materialized='incremental',
        incremental_strategy='append',
        pre_hook=['{{ replace_claimed_blocks(' ~ claims ~ ') }}', '{{ join_as_written() }}'],
        indexes=[{'columns': ['property_key', 'series_key', 'block', 'page_key'], 'unique': True}],
    )
}}

{%- set is_partial = execute and is_incremental() and var('build_id') | int != 0 %}

with
    blocks as ({{ claimed_blocks(claims) }}),

    series as (select * from {{ ref('int_link__list_series') }}),

    ranked as (
        select
            rank_check.property_key,
            series.series_key,
            {{ block_of('rank_check.day') }} as block,
            rank_check.ranking_page_key as page_key,
            {{ day_of_block('rank_check.day') }} as day_of_block
        from {{ ref('fct_serp_position') }} as rank_check {{ join_series('rank_check') }}
        where
            rank_check.state = 'found'
            {% if is_partial -%}
                and rank_check.day
                >= date '{{ first_day_of(claimed_days(claims)) }}'
                - ({{ var('ranked_days') | int }} - 1)
            {%- endif %}
    )

select
    ranked.property_key,
    ranked.series_key,
    ranked.block,
    ranked.page_key,
    bit_or(1 << ranked.day_of_block) as days
from ranked
inner join blocks on blocks.property_key = ranked.property_key and blocks.block = ranked.block
group by ranked.property_key, ranked.series_key, ranked.block, ranked.page_key
