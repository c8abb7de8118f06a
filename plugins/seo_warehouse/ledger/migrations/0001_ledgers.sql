-- The ledgers. Written by load/ and orchestration/ only; read by dbt as source `ops`.
-- Whatever is there already stays: a database made before migrations were recorded is taken in as it is.

create table if not exists ops.property (
    property_key integer primary key,
    property_name text not null,
    domain text not null,
    history_start date not null,
    engine text not null,
    location_code integer not null,
    language_code text not null,
    depth integer not null,
    is_active boolean not null default true
);
comment on table ops.property is 'Properties as properties.yml states them, one row each; kept when a property is removed (is_active false).';

create table if not exists ops.tracked_keyword (
    property_key integer not null,
    keyword text not null,
    page_url text,
    page_url_normalised text,
    is_brand boolean not null,
    primary key (property_key, keyword)
);
comment on table ops.tracked_keyword is 'Keywords as properties.yml states them, with the page meant to rank.';

create table if not exists ops.topic_rule (
    property_key integer not null,
    rule_no integer not null,
    pattern text not null,
    topic text not null,
    primary key (property_key, rule_no)
);
comment on table ops.topic_rule is 'Topic rules of properties.yml; the lowest rule_no whose pattern matches a page''s path wins.';

create table if not exists ops.source_table (
    source text not null,
    table_name text not null,
    property_key integer not null,
    kind text not null check (kind in ('dated', 'snapshot', 'drop')),
    first_day date not null,
    delay_days integer not null,
    lookback_days integer not null,
    interval_days integer not null,
    night_ends time not null,
    is_active boolean not null default true,
    kept_months integer,
    primary key (source, table_name, property_key)
);
alter table ops.source_table add column if not exists kept_months integer;
comment on table ops.source_table is 'What each property is read for, as properties.yml and the sources'' specs state it; kept when it is no longer read (is_active false).';
comment on column ops.source_table.first_day is 'First day of the property''s history.';
comment on column ops.source_table.kept_months is 'How far back a dated source answers; NULL: as far as one asks.';
comment on column ops.source_table.interval_days is 'Least distance of two nights that read a snapshot.';
comment on column ops.source_table.night_ends is 'UTC time of day after which a snapshot of that day cannot be read any more.';

create table if not exists ops.load (
    load_id bigint generated always as identity primary key,
    source text not null,
    table_name text not null,
    property_key integer not null,
    part text not null default '',
    first_day date not null,
    last_day date not null,
    night date,
    purpose text not null check (purpose in ('night', 'history', 'replay', 'backfill')),
    attempt integer not null,
    state text not null check (state in ('started', 'written', 'passed', 'quarantined', 'published', 'unchanged',
                                         'superseded', 'rejected', 'failed')),
    reason text,
    read_at timestamptz,
    rows_read bigint,
    rows_rejected bigint,
    bytes_read bigint,
    calls bigint,
    calls_reused bigint,
    calls_cut bigint,
    units numeric,
    money numeric,
    checksum text,
    archive_scope text,
    started_at timestamptz not null default now(),
    written_at timestamptz,
    audited_at timestamptz,
    published_at timestamptz,
    ended_at timestamptz
);
comment on table ops.load is 'Every load ever begun: (source, table, property, part, period), its states, costs and verdicts.';
create index if not exists load_by_batch on ops.load (source, table_name, property_key, part, first_day, last_day);
create index if not exists load_by_night on ops.load (night, source);
do $$
begin
    if not exists (
        select from pg_constraint
        where conrelid = 'ops.load'::regclass and conname = 'load_purpose_check'
          and pg_get_constraintdef(oid) like '%backfill%'
    ) then
        alter table ops.load drop constraint load_purpose_check;
        alter table ops.load add constraint load_purpose_check
            check (purpose in ('night', 'history', 'replay', 'backfill'));
    end if;
end $$;

create table if not exists ops.order_usage (
    order_usage_id bigint generated always as identity primary key,
    source text not null,
    property_key integer not null,
    night date not null,
    calls bigint not null,
    calls_reused bigint not null,
    calls_cut bigint not null,
    bytes_read bigint not null,
    units numeric not null,
    money numeric not null,
    noted_at timestamptz not null default now()
);
comment on table ops.order_usage is 'What each look at a source''s orders used, bought calls apart from reused ones; the reads that follow use the archive only.';
create index if not exists order_usage_by_night on ops.order_usage (night, source, property_key);

create table if not exists ops.load_day (
    load_id bigint not null references ops.load,
    day date not null,
    row_count bigint not null,
    checksum text not null,
    totals jsonb not null default '{}',
    facts jsonb not null default '{}',
    primary key (load_id, day)
);
comment on table ops.load_day is 'Each day a load read, also one without rows: count, checksum, totals and what the reader noted.';

create table if not exists ops.publication (
    publication_id bigint generated always as identity primary key,
    source text not null,
    table_name text not null,
    property_key integer not null,
    part text not null default '',
    day date not null,
    load_id bigint not null references ops.load,
    row_count bigint not null,
    checksum text not null,
    totals jsonb not null,
    facts jsonb not null,
    is_current boolean not null default true,
    read_at timestamptz not null,
    published_at timestamptz not null default now()
);
comment on table ops.publication is 'Each day swapped into raw, in order; is_current marks what raw holds now. Older rows tell what was known before.';
comment on column ops.publication.read_at is 'Instant of the latest reading that gave this content; an earlier reading never replaces it.';
create unique index if not exists publication_current
    on ops.publication (source, table_name, property_key, part, day) where is_current;
create index if not exists publication_by_load on ops.publication (load_id);

create table if not exists ops.rejected_row (
    load_id bigint not null references ops.load,
    row_no bigint not null,
    rules text[] not null,
    row_content jsonb not null,
    primary key (load_id, row_no)
);
comment on table ops.rejected_row is 'Rows that broke a row rule in a load that otherwise passed, with the names of the rules.';

create table if not exists ops.verdict (
    load_id bigint not null references ops.load,
    rule text not null,
    severity text not null check (severity in ('fail', 'warn')),
    is_met boolean not null,
    broken_count bigint,
    reason text,
    primary key (load_id, rule)
);
comment on table ops.verdict is 'The gate''s answer to each rule of each load.';

create table if not exists ops.quality_decision (
    load_id bigint primary key references ops.load,
    decision text not null check (decision in ('approve', 'reject')),
    decided_by text not null,
    why text not null,
    decided_at timestamptz not null default now()
);
comment on table ops.quality_decision is 'What a person decided about a quarantined load. It stands before it is carried out, and is carried out until it is.';

create table if not exists ops.source_night (
    source text not null,
    night date not null,
    ended_at timestamptz not null default now(),
    primary key (source, night)
);
comment on table ops.source_night is 'A source has ended a night, whatever came of its loads.';

create table if not exists ops.night (
    night date primary key,
    closed_at timestamptz not null default now(),
    closed_by text not null check (closed_by in ('sources', 'deadline')),
    missing_sources text[] not null default '{}'
);
comment on table ops.night is 'Nights that have closed, and the sources that had not ended.';

create table if not exists ops.build (
    build_id bigint generated always as identity primary key,
    state text not null check (state in ('claimed', 'finished', 'failed')),
    attempt integer not null default 1,
    nights date[] not null default '{}',
    missing_sources text[] not null default '{}',
    is_full boolean not null default false,
    claimed_at timestamptz not null default now(),
    ended_at timestamptz,
    reason text
);
comment on table ops.build is 'Each dbt build over a frozen set of published days (ops.build_day).';

create table if not exists ops.build_day (
    build_id bigint not null references ops.build,
    publication_id bigint not null references ops.publication,
    source text not null,
    table_name text not null,
    property_key integer not null,
    day date not null,
    primary key (build_id, publication_id)
);
comment on table ops.build_day is 'The published property-days that a build claimed.';
create index if not exists build_day_by_publication on ops.build_day (publication_id);

create table if not exists ops.dbt_node_result (
    build_id bigint not null references ops.build,
    attempt integer not null,
    unique_id text not null,
    status text not null,
    seconds double precision,
    message text,
    recorded_at timestamptz not null default now(),
    primary key (build_id, attempt, unique_id)
);
comment on table ops.dbt_node_result is 'What became of each dbt node in each attempt of a build.';

create table if not exists ops.setting (
    name text primary key,
    value jsonb not null
);
comment on table ops.setting is 'Facts about the installation, by name: modelled_with is the fingerprint of the settings and models of the last finished build.';

create table if not exists ops.export_file (
    property_key integer not null,
    sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
    file_name text not null,
    bytes bigint not null,
    written_at timestamptz not null,
    exported_at timestamptz,
    state text not null check (state in ('archived', 'recognised', 'refused')),
    reason text,
    night date not null,
    seen_at timestamptz not null default now(),
    primary key (property_key, sha256)
);
comment on table ops.export_file is 'Each dropped file, known by its bytes. archived: kept, not understood yet; recognised: its parts are in ops.export_part; refused: not read again until it changes.';
comment on column ops.export_file.file_name is 'The name under which it was read; others are in ops.export_sighting.';
comment on column ops.export_file.exported_at is 'Instant of the export: the file states it, else it is when the file was written.';
comment on column ops.export_file.night is 'Night in which it came into this state.';

create table if not exists ops.export_sighting (
    property_key integer not null,
    file_name text not null,
    signature text not null,
    sha256 text,
    reason text,
    night date not null,
    seen_at timestamptz not null default now(),
    primary key (property_key, file_name)
);
comment on table ops.export_sighting is 'What lies in the drop folders now. Without sha256: what is no file to be read, with the reason.';
comment on column ops.export_sighting.signature is 'Size, instants and number of the file: while they stay, its bytes are not read again.';

create table if not exists ops.export_part (
    property_key integer not null,
    sha256 text not null,
    table_name text not null,
    part text not null,
    first_day date not null,
    last_day date not null,
    exported_at timestamptz not null,
    row_count bigint not null,
    refused_count bigint not null,
    equal_count bigint not null,
    contradicted_count bigint not null,
    notes text[] not null,
    primary key (property_key, sha256, table_name, part),
    foreign key (property_key, sha256) references ops.export_file
);
comment on table ops.export_part is 'The rows of one table that a file holds: those to load, those refused, those said twice, those that a later line contradicts.';

create table if not exists ops.export_refusal (
    property_key integer not null,
    sha256 text not null,
    table_name text not null,
    part text not null,
    sheet text not null,
    line_no bigint not null,
    column_name text,
    reason text not null,
    content text not null,
    foreign key (property_key, sha256) references ops.export_file
);
comment on table ops.export_refusal is 'Lines of files that were left out, with the reason; of many the first.';
comment on column ops.export_refusal.sheet is 'The file within a zip.';
create index if not exists export_refusal_by_file on ops.export_refusal (property_key, sha256);

create table if not exists ops.merge (
    load_id bigint primary key references ops.load,
    rows_put bigint not null,
    rows_equal bigint not null,
    rows_outdated bigint not null
);
comment on table ops.merge is 'What became of the rows of a file''s load that were not rejected: put into raw, there already, or there from a later export.';
