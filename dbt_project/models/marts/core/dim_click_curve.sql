select position, click_share::double precision as click_share from {{ ref('click_curve') }}
