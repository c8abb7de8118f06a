-- What is there before any migration, since one needs it: turns, and how guests are ended. Run whenever one begins.

create schema if not exists ops;

create table if not exists ops.turn (
    name text primary key,
    pid integer,
    session_at timestamptz
);
comment on table ops.turn is 'What one session at a time does, and which: its process and when it began. Without that session a turn is free.';

create table if not exists ops.warehouse_door ();
comment on table ops.warehouse_door is 'Empty. Locked in share mode by each publication until it commits, and for a moment by who takes the warehouse.';

create table if not exists ops.ended_session (
    ended_at timestamptz not null default clock_timestamp(),
    analyst text not null,
    why text not null,
    query text
);
comment on table ops.ended_session is 'Each session of an analyst that the warehouse ended, and why. Written by the owner alone.';
comment on column ops.ended_session.query is 'Its last statement, the beginning.';

-- Never replaced: who would do that waits for whoever just asks it.
do $$
begin
    if to_regclass('ops.guest') is null then
        -- Citus would make on the nodes what a view reads, PostgreSQL's own pg_roles too.
        perform set_config('citus.enable_ddl_propagation', 'off', true);
        create view ops.guest as
        select r.rolname as analyst
        from pg_roles as r join pg_roles as reader on reader.rolname = 'seo_reader' and pg_has_role(r.oid, reader.oid, 'member')
        where r.rolcanlogin and not r.rolsuper and r.rolname not in ('seo_owner', 'seo_loader', 'seo_transformer')
          and r.oid <> (select nspowner from pg_namespace where nspname = 'ops');
        comment on view ops.guest is 'The login roles that read marts as analysts do, and that must hold up nobody.';
    end if;
end $$;
