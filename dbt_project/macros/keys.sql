{#- The 64-bit key of a natural key; equals urls.key64 of the package. Parts are text and not NULL. -#}
{% macro key64() -%}
    ('x' || substr(md5(concat_ws(e'\x1f', {{ varargs | join(', ') }})), 1, 16))::bit(64)::bigint
{%- endmacro %}

{#- The page that a URL column of a raw table names: its normalised form, or the literal where it is no URL. -#}
{% macro page_key(column) -%}
    case when {{ column }} is not null then {{ key64("coalesce(" ~ column ~ "_normalised, " ~ column ~ ")") }} end
{%- endmacro %}

{#- Key of a registrable domain; NULL for NULL. -#}
{% macro domain_key(column) -%}
    case when {{ column }} is not null then {{ key64(column) }} end
{%- endmacro %}

{#-
A text that others write, for a key that holds the text itself: what is longer than so many bytes becomes its beginning and
the hash of all of it, so that two stay two. An index row holds 2,704 bytes. The whole stands where the text came from.
-#}
{% macro bounded(text, bytes) -%}
    case
        when octet_length({{ text }}) > {{ bytes }}
        then left({{ text }}, {{ bytes // 8 }}) || '...' || md5({{ text }})
        else {{ text }}
    end
{%- endmacro %}

{#- Key of a link event of `row`, whose columns are those of int_link__place_events. -#}
{% macro link_event_key(event_type, row) -%}
    {{ key64(
        row ~ '.property_key::text', row ~ '.link_key::text', event_type, "coalesce(" ~ row ~ ".event_date::text, '')", row ~ '.witness'
    ) }}
{%- endmacro %}

{#- Share of all domains that stand behind a place, from 1, among so many; NULL where one is unknown. -#}
{% macro rank_percentile(position, count) -%} (1 - ({{ position }} - 0.5) / {{ count }}::double precision) {%- endmacro %}

{#- Whether two rows have the same in each of these columns, none of which is NULL. -#}
{% macro is_same(left, right, columns) -%}
    {%- for column in columns %} {{ 'and ' if not loop.first }}{{ left }}.{{ column }} = {{ right }}.{{ column }}{% endfor -%}
{%- endmacro %}
