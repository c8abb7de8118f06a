-- Whether links seem to have come weeks before they were found.

alter table ops.link_effect
    add column lead_p_value double precision,
    add column is_found_late boolean;
