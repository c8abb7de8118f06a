-- Reverse names of the addresses of bots that are in no list of their operator.

create table ops.reverse_name (
    property_key integer not null,
    address text not null check (octet_length(address) <= 100),
    night date not null,
    suffix text,
    primary key (property_key, address)
);
create index on ops.reverse_name (property_key, night);
comment on table ops.reverse_name is 'What the resolver said of an address whose visitor claims to be a bot and is in no list of its operator. Kept for 30 nights, so that none is asked about more often.';
comment on column ops.reverse_name.night is 'The night that asked.';
comment on column ops.reverse_name.suffix is 'End of its reverse name that is an operator''s, if the name leads back to the address; empty: it has no such name; NULL: nobody answered.';
