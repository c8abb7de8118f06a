-- Whose visits from a host are, where the property knows better than the lists.

create table ops.referrer_class (
    property_key integer not null,
    host text not null check (octet_length(host) <= 253),
    class text not null,
    primary key (property_key, host)
);
comment on table ops.referrer_class is 'Hosts whose visitors are of a class that properties.yml states, whatever the lists say.';
