-- Whose rows the pooled figures may hold, and when the site behind a key changed.

alter table ops.property add column pool_state text not null default 'out';
alter table ops.property add constraint property_pool_state check (pool_state in ('out', 'in', 'leaving'));
comment on column ops.property.pool_state is 'Whether rows of property 0 in the marts are made of it too: in, as of the newest build; leaving, until a build has finished without it; out.';
-- Until now they were made of every property there ever was.
update ops.property set pool_state = 'leaving';

create table ops.rekey (
    rekey_id bigint generated always as identity primary key,
    property_key integer not null,
    old_domain text not null,
    new_domain text not null,
    why text not null,
    who text not null,
    rekeyed_at timestamptz not null default now(),
    ended_grants text[] not null
);
comment on table ops.rekey is 'Each time that a person had a property''s key stand for another domain. Written by the owner alone.';
comment on column ops.rekey.ended_grants is 'The analysts whose grant of the property ended with it.';
