{#- Links as their witnesses report them: the columns of int_link__read_backlinks, where they are described. -#}
{% macro read_backlinks() -%}
    select backlinks.*, {{ export_vendor('origin') }} as witness
    from (
        {{ read_kinds(['links'], [
            'property_key', 'day', 'source_url', 'source_page_key', 'source_domain', 'source_domain_key',
            'literal_target_url', 'target_url', 'target_page_key', 'item_type', 'rel', 'is_followed', 'anchor',
            'image_alt', 'image_url', 'source_title', 'is_live', 'is_pair_shown', 'first_seen_at', 'previous_seen_at',
            'last_seen_at', 'source_domain_authority', 'observed_at',
        ]) }}
    ) as backlinks
{%- endmacro %}
