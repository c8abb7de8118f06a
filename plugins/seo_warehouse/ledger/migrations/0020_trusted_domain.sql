-- Domains whose links are trusted, and what their trust comes to on a property's pages.

create table ops.trusted_domain (
    property_key integer not null,
    domain text not null,
    primary key (property_key, domain)
);
comment on table ops.trusted_domain is 'Domains whose links are trusted, as properties.yml states them.';

alter table ops.page_authority add column trust_share double precision;
