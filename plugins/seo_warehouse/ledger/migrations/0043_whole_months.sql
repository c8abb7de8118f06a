-- A load may become a month of raw: its table has every column of that. Those that wait get what they lack.
do $$
declare held record;
begin
    for held in
        select l.load_id, l.property_key, l.part, to_regclass(format('audit.load_%s', l.load_id)) as batch
        from ops.load as l
        where l.state in ('written', 'passed', 'quarantined')
    loop
        if held.batch is not null then
            execute format(
                'alter table %s add property_key integer not null default %L, add part text not null default %L,'
                ' add load_id bigint not null default %L',
                held.batch, held.property_key, held.part, held.load_id
            );
        end if;
    end loop;
end $$;
