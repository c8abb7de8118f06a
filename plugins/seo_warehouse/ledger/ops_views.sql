-- What is computed from the ledgers. Replaced whole whenever the warehouse is migrated, and in place where models hang on it.

create or replace function ops.completeness_since(as_of timestamptz, since date, only_property integer default null)
returns table (source text, table_name text, property_key integer, day date, state text)
language sql stable
as $$
with configured as (
    select t.*, (as_of at time zone 'UTC')::date as today, (as_of at time zone 'UTC')::time >= t.night_ends as is_over,
           (date_trunc('month', as_of at time zone 'UTC') - make_interval(months => t.kept_months))::date
           + extract(day from as_of at time zone 'UTC')::integer - 1 as first_kept,
           -- A snapshot has no row within its interval after a reading, which may lie so much further back.
           since - case t.kind when 'snapshot' then t.interval_days else 0 end as since_day
    from ops.source_table as t
    where t.is_active and (only_property is null or t.property_key = only_property)
),
publications as (
    select p.source, p.table_name, p.property_key, p.day, p.is_current, p.read_at, p.checksum, p.kind, p.final_age,
           max(p.checksum) filter (where p.is_current) over same_day as current_checksum,
           max(p.read_at) filter (where p.is_current) over same_day as current_read_at
    from (
        -- A day that was dropped by age keeps its state.
        select source, table_name, property_key, part, day, read_at, checksum,
               is_current or dropped_at is not null as is_current, kind, delay_days + lookback_days as final_age
        from ops.publication join configured using (source, table_name, property_key)
        -- The bound of all first, so that few rows are joined.
        where day >= (select min(since_day) from configured) and day >= since_day
    ) as p
    window same_day as (partition by p.source, p.table_name, p.property_key, p.part, p.day)
),
-- Brought together by one aggregation: of joins between sets of unknown size the planner makes nested loops.
noted as (
    select c.source, c.table_name, c.property_key, d.day::date as day, true as is_expected, null::timestamptz as read_at,
           false as is_restated, null::bigint as failed_load, null::bigint as other_load, false as is_quarantined
    from configured as c
    cross join lateral generate_series(
        greatest(c.first_day, c.since_day)::timestamp, (c.today - c.delay_days)::timestamp, interval '1 day'
    ) as d (day)
    where c.kind <> 'drop'
    union all
    select p.source, p.table_name, p.property_key, p.day, true, case when p.is_current then p.read_at end,
           p.kind = 'dated' and not p.is_current and p.checksum <> p.current_checksum and p.read_at < p.current_read_at
           and (p.read_at at time zone 'UTC')::date - p.day >= p.final_age,
           null, null, false
    from publications as p
    union all
    select l.source, l.table_name, l.property_key, d.day::date, false, null, false,
           case when l.state = 'failed' then l.load_id end, case when l.state <> 'failed' then l.load_id end,
           l.state = 'quarantined'
    from ops.load as l
    join configured using (source, table_name, property_key)
    cross join lateral generate_series(
        greatest(l.first_day, since_day)::timestamp, l.last_day::timestamp, interval '1 day'
    ) as d (day)
    where l.last_day >= (select min(since_day) from configured) and l.last_day >= since_day
),
summed as (
    select n.source, n.table_name, n.property_key, n.day,
           bool_or(n.is_expected) as is_expected,
           min(n.read_at) as read_at,
           bool_or(n.is_restated) as is_restated,
           coalesce(max(n.failed_load) > coalesce(max(n.other_load), 0), false) as is_failed,
           bool_or(n.is_quarantined) as is_quarantined
    from noted as n
    group by 1, 2, 3, 4
),
judged as (
    select s.*, c.kind, c.interval_days,
           case c.kind
               when 'snapshot' then s.day < c.today or c.is_over
               when 'dated' then coalesce(s.day < c.first_kept, false)
               else false
           end as is_gone,
           s.read_at is not null and (
               c.kind <> 'dated'
               or (s.read_at at time zone 'UTC')::date - s.day >= c.delay_days + c.lookback_days
           ) as is_final,
           s.day - max(case when s.read_at is not null then s.day end) over (
               partition by s.source, s.table_name, s.property_key order by s.day
               rows between unbounded preceding and 1 preceding
           ) as days_since
    from summed as s join configured as c using (source, table_name, property_key)
    where s.is_expected or s.is_failed or s.is_quarantined
)
select j.source, j.table_name, j.property_key, j.day,
       case
           when j.is_failed and not j.is_final then 'failed'
           when j.is_quarantined then 'quarantined'
           when j.read_at is null and j.is_gone then 'never available'
           when j.read_at is null then 'absent'
           when not j.is_final then 'provisional'
           when j.is_restated then 'restated'
           else 'final'
       end
from judged as j
where j.day >= since
  and (j.read_at is not null or j.kind <> 'snapshot' or j.days_since is null or j.days_since >= j.interval_days)
$$;
comment on function ops.completeness_since is
    'State of each day that a source was to be read for, as of an instant: the first that holds of failed (the newest attempt failed and no settled reading is published), quarantined (a person is asked), never available (a snapshot whose night passed unread, or further back than the source keeps), absent, provisional (its figures may still change), restated (a later reading changed it after it was final), final. A snapshot has no row within its interval after a reading.';

create or replace function ops.completeness_at(as_of timestamptz)
returns table (source text, table_name text, property_key integer, day date, state text)
language sql stable
as $$
select * from ops.completeness_since(as_of, '-infinity')
$$;
comment on function ops.completeness_at is 'ops.completeness_since from the first day on.';

create or replace view ops.completeness as select * from ops.completeness_at(now());
comment on view ops.completeness is 'ops.completeness_at of this moment.';

create or replace view ops.night_completeness as
with hidden as (
    select distinct source, table_name, property_key, day from ops.build_day
    where is_hidden and build_id = (select max(build_id) from ops.build)
)
select c.source, c.table_name, c.property_key, c.day,
       case when h.day is null then c.state else 'set aside' end as state
from ops.completeness_at(
    -- In its own night a snapshot that was not read is late and not lost.
    coalesce((select max(night) from ops.night), (select max(day) from ops.publication))::timestamp at time zone 'UTC'
) as c
left join hidden as h using (source, table_name, property_key, day);
comment on view ops.night_completeness is 'ops.completeness_at of the newest night that has closed, for the marts. set aside: published, and hidden from the models.';

create or replace view ops.spend as
select (started_at at time zone 'UTC')::date as day, source, property_key, calls, units, money from ops.load
union all
select (noted_at at time zone 'UTC')::date, source, property_key, calls, units, money from ops.order_usage
union all
select month, source, property_key, calls, 0, 0 from ops.load_month;
comment on view ops.spend is 'What each load and each look at orders used, by UTC date; of loads that were given up by age, by the first of their month.';

drop view if exists ops.restatement;
create view ops.restatement as
with reading as (
    select distinct on (l.source, l.table_name, l.property_key, l.part, d.day, age_days)
           l.source, l.table_name, l.property_key, l.part, d.day,
           (l.read_at at time zone 'UTC')::date - d.day as age_days, l.read_at, l.load_id, d.totals,
           t.delay_days + t.lookback_days as final_age
    from ops.load as l
    join ops.load_day as d using (load_id)
    join ops.source_table as t using (source, table_name, property_key)
    where t.kind = 'dated'
      and (l.state in ('published', 'unchanged') or l.state = 'superseded' and l.published_at is not null)
    order by l.source, l.table_name, l.property_key, l.part, d.day, age_days, l.read_at desc, l.load_id desc
),
valued as (
    select r.*, v.key as total, v.value::numeric as value
    from reading as r cross join lateral jsonb_each_text(r.totals) as v
),
settled as (
    select distinct on (v.source, v.table_name, v.property_key, v.part, v.day, v.total)
           v.source, v.table_name, v.property_key, v.part, v.day, v.total, v.value as final_value
    from valued as v
    where v.age_days >= v.final_age
    order by v.source, v.table_name, v.property_key, v.part, v.day, v.total, v.age_days
)
select v.source, v.table_name, v.property_key, v.part, v.day, v.total, v.age_days, v.value, s.final_value,
       v.value / nullif(s.final_value, 0) as share_of_final, v.age_days >= v.final_age as is_final, v.read_at, v.load_id
from valued as v
left join settled as s using (source, table_name, property_key, part, day, total);
comment on view ops.restatement is 'What each reading of a dated source''s day summed up to, by the age in days at which it was read (UTC date of the reading less the day; of several at one age the last). Readings that stayed out of the warehouse are not in it.';
comment on column ops.restatement.final_value is 'Value at the first reading at which the day was final, at age >= delay + lookback; NULL before there is one.';
comment on column ops.restatement.share_of_final is 'value / final_value: below 1 while figures still grow, other than 1 after that where the day was restated.';

-- What the policies of the marts read; replaced in place, since they hang on it.
create or replace view ops.analyst_property as
with granted as (
    select distinct g.analyst, p.property_key, p.is_active or p.pool_state <> 'out' as is_together
    from ops.grant as g join ops.property as p on g.property_key in (0, p.property_key)
)
select analyst, property_key from granted
union
select analyst, 0 from ops.grant where property_key = 0
union
select analyst, 0 from granted where is_together
group by analyst
having count(*) = (select count(*) from ops.property where is_active or pool_state <> 'out');
comment on view ops.analyst_property is 'The properties whose rows each analyst reads. 0, all together: who is granted every active one, and every one of which what is there of all together may still be made.';

create or replace view ops.granted_property with (security_barrier) as
select property_key from ops.analyst_property where analyst = current_user;
comment on view ops.granted_property is 'The properties whose rows the current user reads in the marts.';

create or replace view ops.granted_everything with (security_barrier) as
select true as is_granted
where not exists (select property_key from ops.property except select property_key from ops.granted_property);
comment on view ops.granted_everything is 'One row where the current user reads every property that there ever was, removed ones too.';

-- The same for policies on Citus, which takes no subquery in them. As its owner and of whoever the session is: on a node,
-- where the session is the asker's own, Citus looks the tables up by name, and analysts have no right to the schema.
-- Dear, so that an index is asked with its answer: in a filter it would be called for each row. In no parallel process:
-- where it is planned there Citus sets parameters, which PostgreSQL refuses.
create or replace function ops.granted_properties() returns integer[]
language sql stable parallel restricted cost 10000 security definer set search_path = pg_catalog, pg_temp
begin atomic
    select array(select property_key from ops.analyst_property where analyst = session_user);
end;
comment on function ops.granted_properties() is 'The properties whose rows the user of this session reads in the marts.';

-- A text and not bound to the mart, which builds swap: read anew, as whoever asks, and taken into the query that calls it.
select set_config('check_function_bodies', 'off', true);
create or replace function ops.linked_domains() returns setof bigint
language sql stable as 'select source_domain_key from marts.dim_link';
select set_config('check_function_bodies', 'on', true);
comment on function ops.linked_domains() is 'Keys of the domains of the links that the current user reads in the marts.';

-- Asked by the transformer, which may end nobody by itself.
create or replace function ops.end_readers(mart regclass) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $$
declare
    reader record;
    ended integer := 0;
begin
    for reader in
        select a.pid, a.usename, left(a.query, 500) as query
        from pg_stat_activity as a join ops.guest as g on g.analyst = a.usename
        where a.datname = current_database() and exists (
            select from pg_locks as l
            where l.pid = a.pid and l.granted and l.locktype = 'relation' and l.relation = mart
              and l.database = (select oid from pg_database where datname = current_database())
        )
    loop
        begin
            if pg_terminate_backend(reader.pid) then
                insert into ops.ended_session (analyst, why, query)
                values (reader.usename, 'it kept ' || mart::text || ' from being replaced', reader.query);
                ended := ended + 1;
            end if;
        exception when insufficient_privilege then
            raise warning '% keeps % from being replaced, and is not ours to end', reader.usename, mart;
        end;
    end loop;
    return ended;
end
$$;
comment on function ops.end_readers is 'Ends the analysts'' sessions that hold a table, with a notice in ops.ended_session. Returns how many there were.';
revoke execute on function ops.end_readers from public;

create or replace function ops.newest_loads(of_night date) returns setof ops.load
language sql stable
as $$
select distinct on (l.source, l.table_name, l.property_key, l.part, l.first_day, l.last_day, l.archive_scope) l.*
from ops.load as l
where l.night = of_night
order by l.source, l.table_name, l.property_key, l.part, l.first_day, l.last_day, l.archive_scope, l.load_id desc
$$;
comment on function ops.newest_loads is 'The last attempt at each batch of a night.';

-- Of a load that waits for a person, for whoever may read no schema but ops.
drop function if exists ops.held_rows(bigint, integer);
create function ops.held_rows(held bigint, most integer) returns setof json
language plpgsql stable security definer set search_path = pg_catalog, pg_temp
as $$
declare
    held_table regclass := to_regclass(format('audit.load_%s', held));
begin
    if held_table is null or not exists (select from ops.load where load_id = held and state = 'quarantined') then
        return;
    end if;
    -- Two scans that each end early, rather than one that sorts the whole load.
    return query execute format(
        'select row_to_json(a) from ((select * from %1$s where unfit is not null limit $1)
         union all (select * from %1$s where unfit is null limit $1)) as a limit $1', held_table
    ) using most;
end
$$;
comment on function ops.held_rows is 'Some rows of a quarantined load as JSON, those first that have a value which its column cannot hold.';
revoke execute on function ops.held_rows from public;

create or replace function ops.rename_between_readers(relation regclass, new_name text, patience integer default 300)
returns void language plpgsql
as $$
declare
    attempts integer := 0;
begin
    loop
        begin
            set local lock_timeout = '100ms';
            execute format('alter table %s rename to %I', relation, new_name);
            set local lock_timeout to default;
            return;
        exception when lock_not_available then
            attempts := attempts + 1;
        end;
        if attempts >= patience then
            perform ops.end_readers(relation);
        end if;
        perform pg_sleep(1);
    end loop;
end
$$;
comment on function ops.rename_between_readers is 'Renames a table of the caller''s without making anybody wait in line for more than a tenth of a second. Analysts who hold it after so many seconds are ended; whoever else does is waited for.';

create or replace function ops.describe(relation regclass, description text, columns jsonb)
returns void language plpgsql
as $$
declare
    kind text := (
        select case relkind when 'v' then 'view' when 'm' then 'materialized view' else 'table' end
        from pg_class where oid = relation
    );
    told record;
    unknown text;
begin
    if obj_description(relation, 'pg_class') is distinct from nullif(description, '') then
        execute format('comment on %s %s is %L', kind, relation, description);
    end if;
    for told in
        select a.attname, d.description
        from jsonb_each_text(columns) as d (name, description)
        join pg_attribute as a on a.attrelid = relation and a.attname = d.name and a.attnum > 0
        where not a.attisdropped and col_description(relation, a.attnum) is distinct from nullif(d.description, '')
    loop
        execute format('comment on column %s.%I is %L', relation, told.attname, told.description);
    end loop;
    select string_agg(d.name, ', ' order by d.name) into unknown
    from jsonb_object_keys(columns) as d (name)
    where not exists (
        select from pg_attribute as a
        where a.attrelid = relation and a.attname = d.name and a.attnum > 0 and not a.attisdropped
    );
    if unknown is not null then
        raise undefined_column using message = format('%s has no column %s, which its description names', relation, unknown);
    end if;
end
$$;
comment on function ops.describe is 'Comments on a relation of the caller''s and on its columns, where that is not what stands there already.';

create or replace function ops.forget_texts(relation regclass, own_words text[])
returns void language plpgsql
as $$
declare
    forgotten text := (
        select string_agg(format('alter column %I set statistics 0', a.attname), ', ')
        from pg_attribute as a
        join pg_type as t on t.oid = a.atttypid
        where a.attrelid = relation and a.attnum > 0 and not a.attisdropped
            and t.typcategory not in ('B', 'D', 'N', 'T') and a.attname <> all (own_words)
    );
begin
    if forgotten is not null then
        execute format('alter table %s %s', relation, forgotten);
    end if;
end
$$;
comment on function ops.forget_texts is 'Has no statistics kept on the columns of a table of the caller''s whose values are neither numbers, times, yes or no, nor the project''s own words.';
