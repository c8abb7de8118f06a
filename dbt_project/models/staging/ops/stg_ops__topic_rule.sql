with rules as (select * from {{ source('ops', 'topic_rule') }})

select property_key, rule_no, pattern, topic
from rules
