-- What each of several links brought, written whole after each build; read by dbt as source `ops`.

create table ops.referral_estimate (
    property_key integer not null,
    witness text not null,
    source_host_key bigint not null,
    page_key bigint not null,
    link_key bigint not null,
    span text not null,
    visit_count double precision not null,
    visit_low double precision not null,
    visit_high double precision not null,
    set_visit_count bigint not null,
    candidate_count integer not null,
    own_weight double precision,
    is_pooled_prior boolean not null,
    primary key (property_key, witness, source_host_key, page_key, link_key, span)
);
comment on table ops.referral_estimate is 'Visits of a host to a page by the links that could have sent them, as after the newest build; link 0 is all that nobody knows.';
