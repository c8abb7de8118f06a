-- Whose rows of the marts an analyst reads. Whoever reads everything so far goes on.

create table ops.grant (
    analyst text not null,
    property_key integer not null,
    granted_at timestamptz not null default now(),
    granted_by text not null,
    primary key (analyst, property_key)
);
comment on table ops.grant is 'Which properties'' rows of the marts a login role reads. Written by the owner alone.';
comment on column ops.grant.property_key is '0: every property, those to come too.';
insert into ops.grant (analyst, property_key, granted_by) values ('seo_analyst', 0, 'the installation');
