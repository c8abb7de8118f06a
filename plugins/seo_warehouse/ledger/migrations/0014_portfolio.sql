-- How broad each portfolio of links was, and how much of it nobody saw, written whole after each build; read by dbt as
-- source `ops`.

create table ops.portfolio (
    property_key integer not null,
    dimension text not null,
    weight text not null,
    month date not null,
    item_count bigint not null,
    class_count bigint not null,
    unknown_share double precision,
    largest_share double precision,
    gini double precision,
    coverage double precision,
    hill_1 double precision,
    hill_2 double precision,
    asymptotic_0 double precision,
    asymptotic_1 double precision,
    asymptotic_2 double precision,
    low_1 double precision,
    high_1 double precision,
    low_2 double precision,
    high_2 double precision,
    common_coverage double precision,
    common_0 double precision,
    common_1 double precision,
    common_2 double precision,
    status text not null,
    fingerprint text not null,
    primary key (property_key, dimension, weight, month)
);
comment on table ops.portfolio is 'Breadth of the links of each property by month, as after the newest build.';
comment on column ops.portfolio.fingerprint is 'Names the counts that a row follows from: where they are as they were it is not made again.';

create table ops.witness_bound (
    property_key integer not null,
    month date not null,
    seen_count bigint not null,
    witness_count integer not null,
    bound_count bigint,
    low_count bigint,
    left_out text[] not null,
    is_guarded boolean not null,
    status text not null,
    primary key (property_key, month)
);
comment on table ops.witness_bound is 'How many domains link to each property at the least, by month, as after the newest build.';
