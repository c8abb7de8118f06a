{{ config(materialized='table', indexes=[{'columns': ['property_key', 'page_key']}]) }}

with
    placed as ({{ placed_lives() }})

    {{ merged_lives('placed', ['property_key', 'page_key', 'linking_key', 'rel_class', 'from_date', 'to_date']) }}
