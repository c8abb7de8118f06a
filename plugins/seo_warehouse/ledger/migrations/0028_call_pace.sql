-- How fast providers' accounts are asked, by all processes together.

create table ops.call_pace (
    account text primary key,
    called_at timestamptz not null,
    slow_until timestamptz
);
comment on table ops.call_pace is 'The newest call that was allotted on a provider''s account; it may lie ahead, and whoever has it waits. slow_until: the provider asked for less, and gaps are twice as long until then.';
