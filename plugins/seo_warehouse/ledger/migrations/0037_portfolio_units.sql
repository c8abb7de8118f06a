-- A flag may be of one of several networks, and links are bounded as domains are. Rows are written whole after each build.

alter table ops.link_flag add column subject text not null default ''
    constraint link_flag_subject check (octet_length(subject) <= 64);
alter table ops.link_flag drop constraint link_flag_pkey;
alter table ops.link_flag add primary key (property_key, flag, subject, first_day);

alter table ops.witness_bound add column unit text not null default 'domain';
alter table ops.witness_bound drop constraint witness_bound_pkey;
alter table ops.witness_bound add primary key (property_key, unit, month);
