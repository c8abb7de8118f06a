{#-
Kind of a page that an engine may be asked about, of the seed index_strata: by its state at the last look (NULL: there was none),
whether it is young, and whether it got a link lately. Pages that are in the index do not wait, young or linked.
-#}
{% macro index_stratum(state, is_young, is_linked, is_looked_at) -%}
    case
        when {{ state }} = 'indexed'
        then 'indexed'
        when {{ is_young }} and {{ is_linked }}
        then 'young_linked'
        when {{ is_young }}
        then 'young'
        when {{ is_linked }}
        then 'linked'
        when {{ is_looked_at }}
        then 'not_indexed'
        else 'never_looked'
    end
{%- endmacro %}
