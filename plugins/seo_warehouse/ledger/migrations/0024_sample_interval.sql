-- What the links that were judged did, beside what another link may do.

alter table ops.link_effect
    add column sample_standard_error double precision,
    add column sample_low double precision,
    add column sample_high double precision,
    add column sample_honest_low double precision,
    add column sample_honest_high double precision;
