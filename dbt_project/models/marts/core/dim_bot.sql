select
    bot,
    operator,
    purpose,
    token as agent_token,
    lists as range_lists,
    name_suffixes,
    purpose = 'search_index' as is_index_crawler,
    purpose in ('search_index', 'ai_search', 'ai_training') as is_crawler
from {{ ref('known_bots') }}
