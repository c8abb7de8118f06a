-- Files of more than one source, and how far logs that grow were read.

alter table ops.export_file add column source text not null default 'exports';
alter table ops.export_file alter column source drop default;
comment on column ops.export_file.source is 'The source whose file it is. Of a log that grows each segment that was read is a file of its own.';

alter table ops.export_sighting add column source text not null default 'exports';
alter table ops.export_sighting alter column source drop default;
comment on column ops.export_sighting.source is 'The source in whose folder it lies.';

create table ops.log_segment (
    property_key integer not null,
    stream text not null check (octet_length(stream) <= 100),
    fingerprint text not null check (fingerprint ~ '^[0-9a-f]{64}$'),
    from_byte bigint not null,
    to_byte bigint not null check (to_byte > from_byte),
    heads text[] not null,
    tail_sha256 text not null,
    format_name text not null,
    directive text,
    sha256 text not null,
    primary key (property_key, stream, fingerprint, from_byte),
    foreign key (property_key, sha256) references ops.export_file
);
comment on table ops.log_segment is 'How far each log was read, segment by segment. A log is known by its beginning, whatever its name and however it is packed.';
comment on column ops.log_segment.fingerprint is 'SHA-256 of as much of its beginning, unpacked and without lines that name columns, as there was when it was first read: 4 KiB at most.';
comment on column ops.log_segment.to_byte is 'Where the next segment begins, in bytes unpacked: behind a whole line.';
comment on column ops.log_segment.heads is 'Lengths and hashes of its beginning, as much as there was by then.';
comment on column ops.log_segment.tail_sha256 is 'SHA-256 of the last 4 KiB before to_byte, by which a longer file is known to go on from there.';
comment on column ops.log_segment.directive is 'The line that names the columns at its end, where the format has one.';
comment on column ops.log_segment.sha256 is 'What was kept of it: a row of ops.export_file.';
