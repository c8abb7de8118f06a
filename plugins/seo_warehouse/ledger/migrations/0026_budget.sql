-- What may be spent in a month, what living readings have set aside of it, and which readings wait for the next month.

alter table ops.load drop constraint load_state_check;
alter table ops.load add constraint load_state_check check (
    state in ('started', 'written', 'passed', 'quarantined', 'published', 'unchanged', 'superseded', 'rejected', 'failed',
              'deferred')
);

create table ops.budget (
    budget_id bigint generated always as identity primary key,
    name text not null,
    property_key integer not null,
    sources text[] not null,
    money numeric,
    warn_at double precision not null,
    stated_at timestamptz not null default clock_timestamp()
);
create index budget_by_name on ops.budget (name, property_key, budget_id);
comment on table ops.budget is 'US dollars a month (UTC) as properties.yml states them: of a source for a property, or, with property_key 0, of a provider''s account. The newest of each holds; money NULL: no limit any more.';
comment on column ops.budget.warn_at is 'Share from which people are told.';

create table ops.reservation (
    source text not null,
    property_key integer not null,
    scope text not null,
    money numeric not null,
    until timestamptz not null,
    primary key (source, property_key, scope)
);
comment on table ops.reservation is 'US dollars that a reading was about to spend and that its ledger row does not say yet. One of a killed process ends with its time.';
comment on column ops.reservation.scope is 'Where in the archive the answers lie.';

create table ops.deferral (
    source text not null,
    property_key integer not null,
    scope text not null,
    reason text not null,
    deferred_at timestamptz not null default clock_timestamp(),
    primary key (source, property_key, scope)
);
comment on table ops.deferral is 'Readings that a budget kept from being bought, until they are bought after all.';
