-- How many links of each property are expected to be lost, written whole after each build; read by dbt as source `ops`.

create table ops.expected_loss (
    property_key integer primary key,
    link_count bigint not null,
    untold_link_count bigint not null,
    domain_count bigint not null,
    expected_loss_count double precision,
    interval_low double precision,
    interval_high double precision,
    status text not null
);
comment on table ops.expected_loss is 'How many living links of each property are expected to be lost within 90 days, as after the newest build.';
