-- What PostgreSQL lets every role of a server do, and no reader needs. For the superuser, in the warehouse's database:
-- to make large objects (`backup` would fail on one that it may not read), to take advisory locks, to write into the log
-- of transactions. `make run` and docker-compose run it; on a server of your own: psql --dbname ... --file public.sql

do $$
declare
    function regprocedure;
begin
    for function in
        select oid from pg_proc
        where pronamespace = 'pg_catalog'::regnamespace
          and (proname in ('lo_creat', 'lo_create', 'lo_from_bytea', 'pg_logical_emit_message')
               or proname ~ '^pg_(try_)?advisory_(xact_)?lock(_shared)?$')
    loop
        execute format('revoke execute on function %s from public', function);
    end loop;
    if to_regrole('seo_owner') is not null then
        -- So that it can limit what a login writes into temporary files.
        grant set on parameter temp_file_limit to seo_owner;
    end if;
end $$;
