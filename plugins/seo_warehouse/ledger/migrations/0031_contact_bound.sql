-- What is indexed has a bound: an index row holds 2,704 bytes.

alter table personal.contact add constraint contact_known_as check (octet_length(known_as) <= 1000);
alter table ops.erasure add constraint erasure_value_hash check (octet_length(value_hash) <= 32);
