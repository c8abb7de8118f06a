{#- Links as their witnesses report them: the columns of int_link__read_backlinks, where they are described. -#}
{% macro read_backlinks() -%}
    select backlinks.*, {{ export_vendor('origin') }} as witness
    from (
        {{ read_kinds(['links'], [
            'property_key', 'day', 'source_url', 'source_page_key', 'source_domain', 'source_domain_key',
            'literal_target_url', 'target_url', 'target_page_key', 'item_type', 'rel', 'is_followed', 'anchor',
            'image_alt', 'image_url', 'source_title', 'is_live', 'is_pair_shown', 'first_seen_at', 'previous_seen_at',
            'last_seen_at', 'source_domain_authority', 'source_network', 'source_country', 'source_language',
            'source_platform', 'place', 'observed_at',
        ]) }}
    ) as backlinks
{%- endmacro %}

{#- Our visits and what they saw, as the models of their kinds have them: one model less on the longest way there is. -#}
{% macro read_looks() -%}
    {{ read_kinds(['link_looks'], [
        'property_key', 'day', 'source_page_key', 'source_url', 'target_page_key', 'target_url', 'is_expected',
        'presence', 'grade', 'reason', 'link_count', 'rel', 'anchor', 'place', 'found_url', 'is_rel_changed',
        'is_anchor_changed', 'is_hidden', 'is_noindex', 'is_canonicalised', 'referrer_policy', 'observed_at',
    ]) }}
{%- endmacro %}

{% macro read_visits() -%}
    {{ read_kinds(['page_visits'], [
        'property_key', 'day', 'source_page_key', 'source_url', 'source_domain', 'source_domain_key', 'host',
        'due_reason', 'is_asked', 'outcome', 'status_code', 'final_url', 'redirect_count', 'robots_state',
        'canonical_url', 'content_hash', 'tag_ids', 'property_link_count', 'response_ms', 'observed_at',
    ]) }}
{%- endmacro %}

{#- What a witness may know of who links, and of where on the page: the columns of links that portfolios are sorted by. -#}
{% macro link_traits() -%}
    {{- return(['source_network', 'source_country', 'source_language', 'source_platform', 'place']) -}}
{%- endmacro %}
