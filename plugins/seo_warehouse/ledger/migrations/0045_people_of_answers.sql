-- People are named by answers too, not by files alone.

comment on table personal.person is 'People whom files of outreach and answers of a CRM name. The id is random, and all that is said of them elsewhere.';
comment on column personal.person.seen_at is 'When a file or an answer named them first.';
comment on column personal.contact.file_sha256 is 'The file that named it first (ops.export_file), or the source whose answer did.';
