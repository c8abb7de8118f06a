select distinct page.property_key, page.day, {{ page_as_of('page', 'page_key') }} as page_key
from
    {{ ref('int_page__read_crawls') }} as page
    {{ join_page_version('page', 'page_key', 'page.day') }}
where not page.is_export and page.status_code = 200
