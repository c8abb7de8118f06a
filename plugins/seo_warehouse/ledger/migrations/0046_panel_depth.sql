-- How deep positions are checked may change.
create table ops.panel_depth (
    property_key integer not null,
    from_date date not null,
    depth integer not null,
    primary key (property_key, from_date)
);
comment on table ops.panel_depth is 'How deep positions of a property are checked, by period; the first from -infinity.';

insert into ops.panel_depth (property_key, from_date, depth)
select property_key, '-infinity', depth
from ops.property;
