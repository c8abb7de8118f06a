-- Which fields providers' answers have, so that one that goes or changes is noticed.

create table ops.shape (
    source text not null,
    endpoint text not null,
    path text not null,
    types text[] not null,
    seen bigint not null,
    present bigint not null,
    filled bigint not null,
    days integer not null,
    first_seen date not null,
    last_seen date not null,
    last_types text[] not null,
    last_count bigint not null,
    last_present bigint not null,
    last_filled bigint not null,
    accepted_at timestamptz,
    accepted_by text,
    why text,
    primary key (source, endpoint, path)
);
comment on table ops.shape is 'Each field that a sample of an endpoint''s answers had: what is usual of it (types, seen, present, filled, of so many days), and beside it the last UTC date on which it was seen (last_...).';
comment on column ops.shape.seen is 'Objects that were looked at and may have the field; present have it, filled not as null.';
comment on column ops.shape.why is 'Why somebody took what the answers have now for usual.';
comment on table ops.reservation is 'US dollars that a reading was about to spend and that its ledger row does not say yet. Of one that was killed maintenance notes after a day what its archive holds.';
