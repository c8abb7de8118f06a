-- Properties whose waiting days a build could not model: these are tried alone, and hidden from every other build.

create table ops.set_aside (
    property_key integer primary key,
    since timestamptz not null default now(),
    tried_at timestamptz not null default now(),
    reason text not null
);
comment on table ops.set_aside is 'Properties whose published days cannot be modelled: they wait, and are tried alone by each build, until they can.';
comment on column ops.set_aside.reason is 'Why the last build of these days alone failed.';

alter table ops.build_day add column is_hidden boolean not null default false;
comment on column ops.build_day.is_hidden is 'The build made the day anew as if it were not published: it waits still.';
