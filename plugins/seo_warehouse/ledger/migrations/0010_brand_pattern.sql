-- Patterns by which a query or keyword names the brand.

create table ops.brand_pattern (
    property_key integer not null,
    pattern_no integer not null,
    pattern text not null,
    primary key (property_key, pattern_no)
);
comment on table ops.brand_pattern is 'Patterns of brands as properties.yml states them: a query or keyword names the brand where one is found in it, in small letters.';
