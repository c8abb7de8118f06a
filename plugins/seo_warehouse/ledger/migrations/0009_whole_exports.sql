-- What properties.yml states of exports of links, where models see it.

alter table ops.property add column links_whole_since date;
alter table ops.property add column link_cadence_days integer;
comment on column ops.property.links_whole_since is 'From this day on each export of links lists every link that its vendor knows; NULL: only those that say so.';
comment on column ops.property.link_cadence_days is 'Days within which the vendors of its exports find a new link; NULL: unknown.';
