{#- A share lies between 0 and 1. -#}
{% test is_share(model, column_name) %}
    select * from {{ model }} where {{ column_name }} not between 0 and 1
{% endtest %}
