-- Properties share tasks, and of a closed night one run tells.
alter table ops.order_usage add column is_failed boolean not null default false;
comment on column ops.order_usage.is_failed is 'The look ended in an error.';

alter table ops.night add column told_by text;
comment on column ops.night.told_by is 'The source whose run wakes the build; NULL where none has yet.';
