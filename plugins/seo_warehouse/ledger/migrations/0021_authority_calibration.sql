-- Where each score of a vendor places a domain among all of the web, written whole after each build; read by dbt as source `ops`.

create table ops.authority_calibration (
    vendor text not null,
    measure text not null,
    score integer not null,
    percentile double precision not null,
    percentile_low double precision not null,
    percentile_high double precision not null,
    pair_count integer not null,
    primary key (vendor, measure, score)
);
comment on table ops.authority_calibration is 'Share of the web that stands behind domains of a score, as after the newest build.';
