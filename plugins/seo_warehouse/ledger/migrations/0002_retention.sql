-- Days whose month was dropped from raw by age: their publications are not current any more, and no night reads them again.

alter table ops.publication add column dropped_at timestamptz;
comment on column ops.publication.dropped_at is 'When the day was dropped from raw by age; NULL: it was not, or was published again since. Such a day counts as read.';
create index publication_dropped on ops.publication (source, table_name, property_key, day) where dropped_at is not null;
