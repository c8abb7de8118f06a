-- By how much links move the pages that theirs are compared with.
alter table ops.link_effect
    add column spill_estimate double precision,
    add column spill_standard_error double precision,
    add column spill_p_value double precision,
    add column spill_row_count integer;
