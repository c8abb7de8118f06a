{#-
dbt's own macro, but not waiting in line. A rename waits until all who read the table have ended, and whoever comes after
it waits for the rename: one long query would keep everybody from a mart. So it tries for a tenth of a second, lets the
others pass for a second, and waits in line only after five minutes of that.
-#}
{% macro postgres__rename_relation(from_relation, to_relation) -%}
    {%- set rename -%}
        alter table {{ from_relation.render() }} rename to {{ adapter.quote_as_configured(to_relation.identifier, 'identifier') }}
    {%- endset -%}
    {% call statement('rename_relation') -%}
        do $rename$
        begin
            for attempt in 1..300 loop
                begin
                    set local lock_timeout = '100ms';
                    {{ rename }};
                    set local lock_timeout to default;
                    return;
                exception when lock_not_available then
                    perform pg_sleep(1);
                end;
            end loop;
            {{ rename }};
        end $rename$
    {%- endcall %}
{%- endmacro %}
