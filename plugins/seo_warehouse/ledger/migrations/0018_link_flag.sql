-- What stands out among the links of each property, written whole after each build; read by dbt as source `ops`.

create table ops.link_flag (
    property_key integer not null,
    flag text not null,
    first_day date not null,
    last_day date not null,
    counted bigint not null,
    expected double precision not null,
    p_value double precision not null,
    link_keys bigint[] not null,
    rule_version integer not null,
    false_alarm_rate double precision not null,
    primary key (property_key, flag, first_day)
);
comment on table ops.link_flag is 'Flags on the links of each property that count something, as after the newest build.';
