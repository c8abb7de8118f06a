-- People behind partners: the one place where anything of them is kept, and whom no import may bring back.

create table personal.person (
    person_id uuid primary key,
    property_key integer not null,
    partner text,
    role text,
    basis text,
    last_consented_on date,
    seen_at timestamptz not null default now()
);
create index person_property on personal.person (property_key);
comment on table personal.person is 'People whom files of outreach name. The id is random, and all that is said of them elsewhere.';
comment on column personal.person.partner is 'The partner that they speak for, as the file names it.';
comment on column personal.person.basis is 'On what ground they are kept, as the file states it: consent, contract, legitimate interest.';
comment on column personal.person.seen_at is 'When a file named them first.';

create table personal.contact (
    person_id uuid not null references personal.person on delete cascade,
    property_key integer not null,
    kind text not null check (kind in ('id', 'email', 'phone', 'name')),
    known_as text not null,
    value text not null,
    file_sha256 text not null,
    seen_at timestamptz not null default now(),
    primary key (person_id, kind, known_as)
);
create unique index contact_identity on personal.contact (property_key, kind, known_as) where kind in ('id', 'email');
comment on table personal.contact is 'How people are called and reached. known_as: the value as it is compared.';
comment on column personal.contact.file_sha256 is 'The file that named it first (ops.export_file).';

alter table personal.person enable row level security;
alter table personal.contact enable row level security;

create table personal.erasure_key (
    key bytea not null
);
comment on table personal.erasure_key is 'What the hashes of ops.erasure are keyed with: without it nobody can try addresses.';
insert into personal.erasure_key
select decode(replace(gen_random_uuid()::text || gen_random_uuid()::text, '-', ''), 'hex');

create table ops.erasure (
    property_key integer not null,
    value_hash bytea not null,
    erased_at timestamptz not null default now(),
    erased_by text not null,
    primary key (property_key, value_hash)
);
comment on table ops.erasure is 'Whom no file may bring back: HMAC-SHA256 of kind and value. property_key 0: of every property.';

alter table ops.property add column hourly_rate double precision;
comment on column ops.property.hourly_rate is 'Dollars that an hour of outreach costs, as properties.yml states it.';
