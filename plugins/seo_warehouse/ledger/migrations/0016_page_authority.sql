-- How much authority reaches each page of a property by its own links, written after each build; read by dbt as source `ops`.

create table ops.page_graph (
    property_key integer not null,
    day date not null,
    fingerprint text not null,
    primary key (property_key, day)
);
comment on table ops.page_graph is 'Crawls of which ops.page_authority tells, as after the newest build.';
comment on column ops.page_graph.fingerprint is 'Names what the rows of the crawl follow from: where that is as it was they are not made again.';

create table ops.page_authority (
    property_key integer not null,
    page_key bigint not null,
    day date not null,
    inlink_count integer not null,
    entering_domain_count integer not null,
    entering_authority double precision not null,
    internal_share double precision not null,
    entering_authority_share double precision,
    harmonic double precision not null,
    is_approximate boolean not null,
    is_converged boolean not null,
    primary key (property_key, page_key, day)
);
comment on table ops.page_authority is 'Authority of the pages of each property by month, as after the newest build.';
