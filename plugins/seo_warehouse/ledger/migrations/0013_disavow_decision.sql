-- What people decide to disavow.

create table ops.disavow_decision (
    decision_id bigint generated always as identity primary key,
    property_key integer not null,
    entry text not null,
    is_disavowed boolean not null,
    decided_at timestamptz not null default now(),
    decided_by text not null,
    why text not null,
    evidence text
);
comment on table ops.disavow_decision is 'Each time that a person decided to disavow a domain or URL, or no longer to. The last decision about an entry stands. Written by the owner alone: no night decides.';
comment on column ops.disavow_decision.entry is 'As disavow files have it: domain: and a host in punycode, or a URL.';
comment on column ops.disavow_decision.evidence is 'What shows it, in the person''s words: a flag, an address; NULL: nothing was named.';
