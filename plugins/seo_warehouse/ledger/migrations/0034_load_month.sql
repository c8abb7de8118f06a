-- What loads used that the ledger has given up by age.

create table ops.load_month (
    source text not null,
    table_name text not null,
    property_key integer not null,
    month date not null,
    load_count bigint not null,
    broken_rules bigint not null,
    rows_read bigint not null,
    calls bigint not null,
    calls_reused bigint not null,
    calls_cut bigint not null,
    bytes_read bigint not null,
    primary key (source, table_name, property_key, month)
);
comment on table ops.load_month is 'By the month (UTC) in which they began: how many loads the ledger has given up by age, and what they used. None of them cost money or units.';
comment on column ops.load_month.broken_rules is 'Verdicts that were not met, of loads that were given up and of older ones whose verdicts were.';
