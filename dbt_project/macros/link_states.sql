{#-
Where a day stands to a page's first link of an arm, as discovery/linked.py counts: 0 without one near by, 1 in the 14 days
before, 2 between the last look without it and its first sight, 3 to 6 in the days 1-7, 8-28, 29-56 and later after it. A link
of doubtful date leaves all days after its last look in doubt; one that was there from the start came long ago.
-#}
{% macro link_state(day, link) -%}
    case
        when {{ link }}.by_date is null
        then 0
        when {{ link }}.reason = 'uncertain_date' and {{ day }} > coalesce({{ link }}.after_date, '-infinity')
        then 2
        when {{ link }}.after_date is null
        then 6
        when {{ day }} <= {{ link }}.after_date - 14
        then 0
        when {{ day }} <= {{ link }}.after_date
        then 1
        when {{ day }} <= {{ link }}.by_date
        then case when {{ link }}.by_date - {{ link }}.after_date > 1 then 2 else 0 end
        when {{ day }} <= {{ link }}.by_date + 7
        then 3
        when {{ day }} <= {{ link }}.by_date + 28
        then 4
        when {{ day }} <= {{ link }}.by_date + 56
        then 5
        else 6
    end
{%- endmacro %}
