-- What is wrong, as rows: each state once for as long as it lasts, and what became of telling people.

create table ops.alert (
    alert_id bigint generated always as identity primary key,
    kind text not null,
    key text not null,
    source text,
    property_key integer,
    content text not null,
    first_seen timestamptz not null,
    last_seen timestamptz not null,
    seen_count bigint not null default 1,
    ended_at timestamptz
);
create unique index alert_open on ops.alert (kind, key) where ended_at is null;
comment on table ops.alert is 'Each state that people are told of, once for as long as it lasts; ended_at NULL while it does. Of kind summary: the morning''s message of a night.';
comment on column ops.alert.key is 'What of its kind it is: a load, a table and property, a night.';
comment on column ops.alert.property_key is 'The property that it concerns alone; NULL: several, or the installation.';
comment on column ops.alert.content is 'The sentence, as it was when last seen.';

create table ops.alert_sent (
    alert_id bigint not null references ops.alert,
    channel text not null,
    try_count bigint not null,
    tried_at timestamptz not null,
    sent_at timestamptz,
    answer text not null,
    primary key (alert_id, channel)
);
comment on table ops.alert_sent is 'What became of telling a channel of an alert: sent_at NULL where nobody has taken it yet.';

create table ops.alert_mute (
    mute_id bigint generated always as identity primary key,
    kind text not null,
    until date not null,
    muted_at timestamptz not null default now(),
    muted_by text not null,
    why text not null
);
comment on table ops.alert_mute is 'Kinds of alerts that nobody is told of until the end of a day (UTC), by whom and why. They are noted all the same.';

create index load_in_trouble on ops.load (state, load_id) where state in ('failed', 'quarantined');
