-- The warehouse as it was before its migrations were recorded: pg_dump --schema-only of ops and of one raw table, and a few rows.

SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE SCHEMA ops;

CREATE FUNCTION ops.completeness_at(as_of timestamp with time zone) RETURNS TABLE(source text, table_name text, property_key integer, day date, state text)
    LANGUAGE sql STABLE
    AS $$
with configured as (
    select t.*, (as_of at time zone 'UTC')::date as today, (as_of at time zone 'UTC')::time >= t.night_ends as is_over,
           (date_trunc('month', as_of at time zone 'UTC') - make_interval(months => t.kept_months))::date
           + extract(day from as_of at time zone 'UTC')::integer - 1 as first_kept
    from ops.source_table as t
    where t.is_active
),
publications as (
    select p.source, p.table_name, p.property_key, p.day, p.is_current, p.read_at, p.checksum,
           max(p.checksum) filter (where p.is_current) over same_day as current_checksum,
           max(p.read_at) filter (where p.is_current) over same_day as current_read_at
    from ops.publication as p
    window same_day as (partition by p.source, p.table_name, p.property_key, p.part, p.day)
),
-- Brought together by one aggregation: of joins between sets of unknown size the planner makes nested loops.
noted as (
    select c.source, c.table_name, c.property_key, d.day::date as day, true as is_expected, null::timestamptz as read_at,
           false as is_restated, null::bigint as failed_load, null::bigint as other_load, false as is_quarantined
    from configured as c
    cross join lateral generate_series(
        c.first_day::timestamp, (c.today - c.delay_days)::timestamp, interval '1 day'
    ) as d (day)
    where c.kind <> 'drop'
    union all
    select p.source, p.table_name, p.property_key, p.day, true, case when p.is_current then p.read_at end,
           c.kind = 'dated' and not p.is_current and p.checksum <> p.current_checksum and p.read_at < p.current_read_at
           and (p.read_at at time zone 'UTC')::date - p.day >= c.delay_days + c.lookback_days,
           null, null, false
    from publications as p join configured as c using (source, table_name, property_key)
    union all
    select l.source, l.table_name, l.property_key, d.day::date, false, null, false,
           case when l.state = 'failed' then l.load_id end, case when l.state <> 'failed' then l.load_id end,
           l.state = 'quarantined'
    from ops.load as l
    join configured using (source, table_name, property_key)
    cross join lateral generate_series(l.first_day::timestamp, l.last_day::timestamp, interval '1 day') as d (day)
),
summed as (
    select n.source, n.table_name, n.property_key, n.day,
           bool_or(n.is_expected) as is_expected,
           min(n.read_at) as read_at,
           bool_or(n.is_restated) as is_restated,
           coalesce(max(n.failed_load) > coalesce(max(n.other_load), 0), false) as is_failed,
           bool_or(n.is_quarantined) as is_quarantined
    from noted as n
    group by 1, 2, 3, 4
),
judged as (
    select s.*, c.kind, c.interval_days,
           case c.kind
               when 'snapshot' then s.day < c.today or c.is_over
               when 'dated' then coalesce(s.day < c.first_kept, false)
               else false
           end as is_gone,
           s.read_at is not null and (
               c.kind <> 'dated'
               or (s.read_at at time zone 'UTC')::date - s.day >= c.delay_days + c.lookback_days
           ) as is_final,
           s.day - max(case when s.read_at is not null then s.day end) over (
               partition by s.source, s.table_name, s.property_key order by s.day
               rows between unbounded preceding and 1 preceding
           ) as days_since
    from summed as s join configured as c using (source, table_name, property_key)
    where s.is_expected or s.is_failed or s.is_quarantined
)
select j.source, j.table_name, j.property_key, j.day,
       case
           when j.is_failed and not j.is_final then 'failed'
           when j.is_quarantined then 'quarantined'
           when j.read_at is null and j.is_gone then 'never available'
           when j.read_at is null then 'absent'
           when not j.is_final then 'provisional'
           when j.is_restated then 'restated'
           else 'final'
       end
from judged as j
where j.read_at is not null or j.kind <> 'snapshot' or j.days_since is null or j.days_since >= j.interval_days
$$;

COMMENT ON FUNCTION ops.completeness_at(as_of timestamp with time zone) IS 'State of each day that a source was to be read for, as of an instant: the first that holds of failed (the newest attempt failed and no settled reading is published), quarantined (a person is asked), never available (a snapshot whose night passed unread, or further back than the source keeps), absent, provisional (its figures may still change), restated (a later reading changed it after it was final), final. A snapshot has no row within its interval after a reading.';

CREATE TABLE ops.build (
    build_id bigint NOT NULL,
    state text NOT NULL,
    attempt integer DEFAULT 1 NOT NULL,
    nights date[] DEFAULT '{}'::date[] NOT NULL,
    missing_sources text[] DEFAULT '{}'::text[] NOT NULL,
    is_full boolean DEFAULT false NOT NULL,
    claimed_at timestamp with time zone DEFAULT now() NOT NULL,
    ended_at timestamp with time zone,
    reason text,
    CONSTRAINT build_state_check CHECK ((state = ANY (ARRAY['claimed'::text, 'finished'::text, 'failed'::text])))
);

COMMENT ON TABLE ops.build IS 'Each dbt build over a frozen set of published days (ops.build_day).';

ALTER TABLE ops.build ALTER COLUMN build_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.build_build_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE ops.build_day (
    build_id bigint NOT NULL,
    publication_id bigint NOT NULL,
    source text NOT NULL,
    table_name text NOT NULL,
    property_key integer NOT NULL,
    day date NOT NULL
);

COMMENT ON TABLE ops.build_day IS 'The published property-days that a build claimed.';

CREATE VIEW ops.completeness AS
 SELECT source,
    table_name,
    property_key,
    day,
    state
   FROM ops.completeness_at(now()) completeness_at(source, table_name, property_key, day, state);

COMMENT ON VIEW ops.completeness IS 'ops.completeness_at of this moment.';

CREATE TABLE ops.dbt_node_result (
    build_id bigint NOT NULL,
    attempt integer NOT NULL,
    unique_id text NOT NULL,
    status text NOT NULL,
    seconds double precision,
    message text,
    recorded_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE ops.dbt_node_result IS 'What became of each dbt node in each attempt of a build.';

CREATE TABLE ops.export_file (
    property_key integer NOT NULL,
    sha256 text NOT NULL,
    file_name text NOT NULL,
    bytes bigint NOT NULL,
    written_at timestamp with time zone NOT NULL,
    exported_at timestamp with time zone,
    state text NOT NULL,
    reason text,
    night date NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT export_file_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT export_file_state_check CHECK ((state = ANY (ARRAY['archived'::text, 'recognised'::text, 'refused'::text])))
);

COMMENT ON TABLE ops.export_file IS 'Each dropped file, known by its bytes. archived: kept, not understood yet; recognised: its parts are in ops.export_part; refused: not read again until it changes.';

COMMENT ON COLUMN ops.export_file.file_name IS 'The name under which it was read; others are in ops.export_sighting.';

COMMENT ON COLUMN ops.export_file.exported_at IS 'Instant of the export: the file states it, else it is when the file was written.';

COMMENT ON COLUMN ops.export_file.night IS 'Night in which it came into this state.';

CREATE TABLE ops.export_part (
    property_key integer NOT NULL,
    sha256 text NOT NULL,
    table_name text NOT NULL,
    part text NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    exported_at timestamp with time zone NOT NULL,
    row_count bigint NOT NULL,
    refused_count bigint NOT NULL,
    equal_count bigint NOT NULL,
    contradicted_count bigint NOT NULL,
    notes text[] NOT NULL
);

COMMENT ON TABLE ops.export_part IS 'The rows of one table that a file holds: those to load, those refused, those said twice, those that a later line contradicts.';

CREATE TABLE ops.export_refusal (
    property_key integer NOT NULL,
    sha256 text NOT NULL,
    table_name text NOT NULL,
    part text NOT NULL,
    sheet text NOT NULL,
    line_no bigint NOT NULL,
    column_name text,
    reason text NOT NULL,
    content text NOT NULL
);

COMMENT ON TABLE ops.export_refusal IS 'Lines of files that were left out, with the reason; of many the first.';

COMMENT ON COLUMN ops.export_refusal.sheet IS 'The file within a zip.';

CREATE TABLE ops.export_sighting (
    property_key integer NOT NULL,
    file_name text NOT NULL,
    signature text NOT NULL,
    sha256 text,
    reason text,
    night date NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE ops.export_sighting IS 'What lies in the drop folders now. Without sha256: what is no file to be read, with the reason.';

COMMENT ON COLUMN ops.export_sighting.signature IS 'Size, instants and number of the file: while they stay, its bytes are not read again.';

CREATE TABLE ops.load (
    load_id bigint NOT NULL,
    source text NOT NULL,
    table_name text NOT NULL,
    property_key integer NOT NULL,
    part text DEFAULT ''::text NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    night date,
    purpose text NOT NULL,
    attempt integer NOT NULL,
    state text NOT NULL,
    reason text,
    read_at timestamp with time zone,
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
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    written_at timestamp with time zone,
    audited_at timestamp with time zone,
    published_at timestamp with time zone,
    ended_at timestamp with time zone,
    CONSTRAINT load_purpose_check CHECK ((purpose = ANY (ARRAY['night'::text, 'history'::text, 'replay'::text, 'backfill'::text]))),
    CONSTRAINT load_state_check CHECK ((state = ANY (ARRAY['started'::text, 'written'::text, 'passed'::text, 'quarantined'::text, 'published'::text, 'unchanged'::text, 'superseded'::text, 'rejected'::text, 'failed'::text])))
);

COMMENT ON TABLE ops.load IS 'Every load ever begun: (source, table, property, part, period), its states, costs and verdicts.';

CREATE TABLE ops.load_day (
    load_id bigint NOT NULL,
    day date NOT NULL,
    row_count bigint NOT NULL,
    checksum text NOT NULL,
    totals jsonb DEFAULT '{}'::jsonb NOT NULL,
    facts jsonb DEFAULT '{}'::jsonb NOT NULL
);

COMMENT ON TABLE ops.load_day IS 'Each day a load read, also one without rows: count, checksum, totals and what the reader noted.';

ALTER TABLE ops.load ALTER COLUMN load_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.load_load_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE ops.merge (
    load_id bigint NOT NULL,
    rows_put bigint NOT NULL,
    rows_equal bigint NOT NULL,
    rows_outdated bigint NOT NULL
);

COMMENT ON TABLE ops.merge IS 'What became of the rows of a file''s load that were not rejected: put into raw, there already, or there from a later export.';

CREATE TABLE ops.night (
    night date NOT NULL,
    closed_at timestamp with time zone DEFAULT now() NOT NULL,
    closed_by text NOT NULL,
    missing_sources text[] DEFAULT '{}'::text[] NOT NULL,
    CONSTRAINT night_closed_by_check CHECK ((closed_by = ANY (ARRAY['sources'::text, 'deadline'::text])))
);

COMMENT ON TABLE ops.night IS 'Nights that have closed, and the sources that had not ended.';

CREATE TABLE ops.order_usage (
    order_usage_id bigint NOT NULL,
    source text NOT NULL,
    property_key integer NOT NULL,
    night date NOT NULL,
    calls bigint NOT NULL,
    calls_reused bigint NOT NULL,
    calls_cut bigint NOT NULL,
    bytes_read bigint NOT NULL,
    units numeric NOT NULL,
    money numeric NOT NULL,
    noted_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE ops.order_usage IS 'What each look at a source''s orders used, bought calls apart from reused ones; the reads that follow use the archive only.';

ALTER TABLE ops.order_usage ALTER COLUMN order_usage_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.order_usage_order_usage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE ops.property (
    property_key integer NOT NULL,
    property_name text NOT NULL,
    domain text NOT NULL,
    history_start date NOT NULL,
    engine text NOT NULL,
    location_code integer NOT NULL,
    language_code text NOT NULL,
    depth integer NOT NULL,
    is_active boolean DEFAULT true NOT NULL
);

COMMENT ON TABLE ops.property IS 'Properties as properties.yml states them, one row each; kept when a property is removed (is_active false).';

CREATE TABLE ops.publication (
    publication_id bigint NOT NULL,
    source text NOT NULL,
    table_name text NOT NULL,
    property_key integer NOT NULL,
    part text DEFAULT ''::text NOT NULL,
    day date NOT NULL,
    load_id bigint NOT NULL,
    row_count bigint NOT NULL,
    checksum text NOT NULL,
    totals jsonb NOT NULL,
    facts jsonb NOT NULL,
    is_current boolean DEFAULT true NOT NULL,
    read_at timestamp with time zone NOT NULL,
    published_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE ops.publication IS 'Each day swapped into raw, in order; is_current marks what raw holds now. Older rows tell what was known before.';

COMMENT ON COLUMN ops.publication.read_at IS 'Instant of the latest reading that gave this content; an earlier reading never replaces it.';

ALTER TABLE ops.publication ALTER COLUMN publication_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME ops.publication_publication_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE ops.quality_decision (
    load_id bigint NOT NULL,
    decision text NOT NULL,
    decided_by text NOT NULL,
    why text NOT NULL,
    decided_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT quality_decision_decision_check CHECK ((decision = ANY (ARRAY['approve'::text, 'reject'::text])))
);

COMMENT ON TABLE ops.quality_decision IS 'What a person decided about a quarantined load. It stands before it is carried out, and is carried out until it is.';

CREATE TABLE ops.rejected_row (
    load_id bigint NOT NULL,
    row_no bigint NOT NULL,
    rules text[] NOT NULL,
    row_content jsonb NOT NULL
);

COMMENT ON TABLE ops.rejected_row IS 'Rows that broke a row rule in a load that otherwise passed, with the names of the rules.';

CREATE TABLE ops.source_table (
    source text NOT NULL,
    table_name text NOT NULL,
    property_key integer NOT NULL,
    kind text NOT NULL,
    first_day date NOT NULL,
    delay_days integer NOT NULL,
    lookback_days integer NOT NULL,
    interval_days integer NOT NULL,
    night_ends time without time zone NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    kept_months integer,
    CONSTRAINT source_table_kind_check CHECK ((kind = ANY (ARRAY['dated'::text, 'snapshot'::text, 'drop'::text])))
);

COMMENT ON TABLE ops.source_table IS 'What each property is read for, as properties.yml and the sources'' specs state it; kept when it is no longer read (is_active false).';

COMMENT ON COLUMN ops.source_table.first_day IS 'First day of the property''s history.';

COMMENT ON COLUMN ops.source_table.interval_days IS 'Least distance of two nights that read a snapshot.';

COMMENT ON COLUMN ops.source_table.night_ends IS 'UTC time of day after which a snapshot of that day cannot be read any more.';

COMMENT ON COLUMN ops.source_table.kept_months IS 'How far back a dated source answers; NULL: as far as one asks.';

CREATE VIEW ops.restatement AS
 WITH reading AS (
         SELECT DISTINCT ON (l.source, l.table_name, l.property_key, l.part, d.day, (((l.read_at AT TIME ZONE 'UTC'::text))::date - d.day)) l.source,
            l.table_name,
            l.property_key,
            l.part,
            d.day,
            (((l.read_at AT TIME ZONE 'UTC'::text))::date - d.day) AS age_days,
            l.read_at,
            l.load_id,
            d.totals,
            (t.delay_days + t.lookback_days) AS final_age
           FROM ((ops.load l
             JOIN ops.load_day d USING (load_id))
             JOIN ops.source_table t USING (source, table_name, property_key))
          WHERE ((t.kind = 'dated'::text) AND ((l.state = ANY (ARRAY['published'::text, 'unchanged'::text])) OR ((l.state = 'superseded'::text) AND (l.published_at IS NOT NULL))))
          ORDER BY l.source, l.table_name, l.property_key, l.part, d.day, (((l.read_at AT TIME ZONE 'UTC'::text))::date - d.day), l.read_at DESC, l.load_id DESC
        ), valued AS (
         SELECT r.source,
            r.table_name,
            r.property_key,
            r.part,
            r.day,
            r.age_days,
            r.read_at,
            r.load_id,
            r.totals,
            r.final_age,
            v_1.key AS total,
            (v_1.value)::numeric AS value
           FROM (reading r
             CROSS JOIN LATERAL jsonb_each_text(r.totals) v_1(key, value))
        ), settled AS (
         SELECT DISTINCT ON (v_1.source, v_1.table_name, v_1.property_key, v_1.part, v_1.day, v_1.total) v_1.source,
            v_1.table_name,
            v_1.property_key,
            v_1.part,
            v_1.day,
            v_1.total,
            v_1.value AS final_value
           FROM valued v_1
          WHERE (v_1.age_days >= v_1.final_age)
          ORDER BY v_1.source, v_1.table_name, v_1.property_key, v_1.part, v_1.day, v_1.total, v_1.age_days
        )
 SELECT v.source,
    v.table_name,
    v.property_key,
    v.part,
    v.day,
    v.total,
    v.age_days,
    v.value,
    s.final_value,
    (v.value / NULLIF(s.final_value, (0)::numeric)) AS share_of_final,
    (v.age_days >= v.final_age) AS is_final,
    v.read_at,
    v.load_id
   FROM (valued v
     LEFT JOIN settled s USING (source, table_name, property_key, part, day, total));

COMMENT ON VIEW ops.restatement IS 'What each reading of a dated source''s day summed up to, by the age in days at which it was read (UTC date of the reading less the day; of several at one age the last). Readings that stayed out of the warehouse are not in it.';

COMMENT ON COLUMN ops.restatement.final_value IS 'Value at the first reading at which the day was final, at age >= delay + lookback; NULL before there is one.';

COMMENT ON COLUMN ops.restatement.share_of_final IS 'value / final_value: below 1 while figures still grow, other than 1 after that where the day was restated.';

CREATE TABLE ops.setting (
    name text NOT NULL,
    value jsonb NOT NULL
);

COMMENT ON TABLE ops.setting IS 'Facts about the installation, by name: modelled_with is the fingerprint of the settings and models of the last finished build.';

CREATE TABLE ops.source_night (
    source text NOT NULL,
    night date NOT NULL,
    ended_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE ops.source_night IS 'A source has ended a night, whatever came of its loads.';

CREATE TABLE ops.topic_rule (
    property_key integer NOT NULL,
    rule_no integer NOT NULL,
    pattern text NOT NULL,
    topic text NOT NULL
);

COMMENT ON TABLE ops.topic_rule IS 'Topic rules of properties.yml; the lowest rule_no whose pattern matches a page''s path wins.';

CREATE TABLE ops.tracked_keyword (
    property_key integer NOT NULL,
    keyword text NOT NULL,
    page_url text,
    page_url_normalised text,
    is_brand boolean NOT NULL
);

COMMENT ON TABLE ops.tracked_keyword IS 'Keywords as properties.yml states them, with the page meant to rank.';

CREATE TABLE ops.verdict (
    load_id bigint NOT NULL,
    rule text NOT NULL,
    severity text NOT NULL,
    is_met boolean NOT NULL,
    broken_count bigint,
    reason text,
    CONSTRAINT verdict_severity_check CHECK ((severity = ANY (ARRAY['fail'::text, 'warn'::text])))
);

COMMENT ON TABLE ops.verdict IS 'The gate''s answer to each rule of each load.';

ALTER TABLE ONLY ops.build_day
    ADD CONSTRAINT build_day_pkey PRIMARY KEY (build_id, publication_id);

ALTER TABLE ONLY ops.build
    ADD CONSTRAINT build_pkey PRIMARY KEY (build_id);

ALTER TABLE ONLY ops.dbt_node_result
    ADD CONSTRAINT dbt_node_result_pkey PRIMARY KEY (build_id, attempt, unique_id);

ALTER TABLE ONLY ops.export_file
    ADD CONSTRAINT export_file_pkey PRIMARY KEY (property_key, sha256);

ALTER TABLE ONLY ops.export_part
    ADD CONSTRAINT export_part_pkey PRIMARY KEY (property_key, sha256, table_name, part);

ALTER TABLE ONLY ops.export_sighting
    ADD CONSTRAINT export_sighting_pkey PRIMARY KEY (property_key, file_name);

ALTER TABLE ONLY ops.load_day
    ADD CONSTRAINT load_day_pkey PRIMARY KEY (load_id, day);

ALTER TABLE ONLY ops.load
    ADD CONSTRAINT load_pkey PRIMARY KEY (load_id);

ALTER TABLE ONLY ops.merge
    ADD CONSTRAINT merge_pkey PRIMARY KEY (load_id);

ALTER TABLE ONLY ops.night
    ADD CONSTRAINT night_pkey PRIMARY KEY (night);

ALTER TABLE ONLY ops.order_usage
    ADD CONSTRAINT order_usage_pkey PRIMARY KEY (order_usage_id);

ALTER TABLE ONLY ops.property
    ADD CONSTRAINT property_pkey PRIMARY KEY (property_key);

ALTER TABLE ONLY ops.publication
    ADD CONSTRAINT publication_pkey PRIMARY KEY (publication_id);

ALTER TABLE ONLY ops.quality_decision
    ADD CONSTRAINT quality_decision_pkey PRIMARY KEY (load_id);

ALTER TABLE ONLY ops.rejected_row
    ADD CONSTRAINT rejected_row_pkey PRIMARY KEY (load_id, row_no);

ALTER TABLE ONLY ops.setting
    ADD CONSTRAINT setting_pkey PRIMARY KEY (name);

ALTER TABLE ONLY ops.source_night
    ADD CONSTRAINT source_night_pkey PRIMARY KEY (source, night);

ALTER TABLE ONLY ops.source_table
    ADD CONSTRAINT source_table_pkey PRIMARY KEY (source, table_name, property_key);

ALTER TABLE ONLY ops.topic_rule
    ADD CONSTRAINT topic_rule_pkey PRIMARY KEY (property_key, rule_no);

ALTER TABLE ONLY ops.tracked_keyword
    ADD CONSTRAINT tracked_keyword_pkey PRIMARY KEY (property_key, keyword);

ALTER TABLE ONLY ops.verdict
    ADD CONSTRAINT verdict_pkey PRIMARY KEY (load_id, rule);

CREATE INDEX build_day_by_publication ON ops.build_day USING btree (publication_id);

CREATE INDEX export_refusal_by_file ON ops.export_refusal USING btree (property_key, sha256);

CREATE INDEX load_by_batch ON ops.load USING btree (source, table_name, property_key, part, first_day, last_day);

CREATE INDEX load_by_night ON ops.load USING btree (night, source);

CREATE INDEX order_usage_by_night ON ops.order_usage USING btree (night, source, property_key);

CREATE INDEX publication_by_load ON ops.publication USING btree (load_id);

CREATE UNIQUE INDEX publication_current ON ops.publication USING btree (source, table_name, property_key, part, day) WHERE is_current;

ALTER TABLE ONLY ops.build_day
    ADD CONSTRAINT build_day_build_id_fkey FOREIGN KEY (build_id) REFERENCES ops.build(build_id);

ALTER TABLE ONLY ops.build_day
    ADD CONSTRAINT build_day_publication_id_fkey FOREIGN KEY (publication_id) REFERENCES ops.publication(publication_id);

ALTER TABLE ONLY ops.dbt_node_result
    ADD CONSTRAINT dbt_node_result_build_id_fkey FOREIGN KEY (build_id) REFERENCES ops.build(build_id);

ALTER TABLE ONLY ops.export_part
    ADD CONSTRAINT export_part_property_key_sha256_fkey FOREIGN KEY (property_key, sha256) REFERENCES ops.export_file(property_key, sha256);

ALTER TABLE ONLY ops.export_refusal
    ADD CONSTRAINT export_refusal_property_key_sha256_fkey FOREIGN KEY (property_key, sha256) REFERENCES ops.export_file(property_key, sha256);

ALTER TABLE ONLY ops.load_day
    ADD CONSTRAINT load_day_load_id_fkey FOREIGN KEY (load_id) REFERENCES ops.load(load_id);

ALTER TABLE ONLY ops.merge
    ADD CONSTRAINT merge_load_id_fkey FOREIGN KEY (load_id) REFERENCES ops.load(load_id);

ALTER TABLE ONLY ops.publication
    ADD CONSTRAINT publication_load_id_fkey FOREIGN KEY (load_id) REFERENCES ops.load(load_id);

ALTER TABLE ONLY ops.quality_decision
    ADD CONSTRAINT quality_decision_load_id_fkey FOREIGN KEY (load_id) REFERENCES ops.load(load_id);

ALTER TABLE ONLY ops.rejected_row
    ADD CONSTRAINT rejected_row_load_id_fkey FOREIGN KEY (load_id) REFERENCES ops.load(load_id);

ALTER TABLE ONLY ops.verdict
    ADD CONSTRAINT verdict_load_id_fkey FOREIGN KEY (load_id) REFERENCES ops.load(load_id);

create schema raw;

SET statement_timeout = 0;
SET lock_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

CREATE TABLE raw.raw_search_console__property_total (
    property_key integer NOT NULL,
    part text DEFAULT ''::text NOT NULL,
    day date,
    clicks double precision,
    impressions double precision,
    ctr double precision,
    "position" double precision,
    load_id bigint NOT NULL
)
PARTITION BY RANGE (day);

COMMENT ON TABLE raw.raw_search_console__property_total IS 'One row a day: totals of the property, anonymised queries included.';

COMMENT ON COLUMN raw.raw_search_console__property_total.day IS 'The day, Pacific time.';

COMMENT ON COLUMN raw.raw_search_console__property_total.clicks IS 'Clicks.';

COMMENT ON COLUMN raw.raw_search_console__property_total.impressions IS 'Impressions.';

COMMENT ON COLUMN raw.raw_search_console__property_total.ctr IS 'Clicks over impressions, 0-1.';

COMMENT ON COLUMN raw.raw_search_console__property_total."position" IS 'Mean topmost position, from 1; 0 without impressions.';

CREATE TABLE raw.raw_search_console__property_total_2026_11 (
    property_key integer CONSTRAINT raw_search_console__property_total_property_key_not_null NOT NULL,
    part text DEFAULT ''::text CONSTRAINT raw_search_console__property_total_part_not_null NOT NULL,
    day date,
    clicks double precision,
    impressions double precision,
    ctr double precision,
    "position" double precision,
    load_id bigint CONSTRAINT raw_search_console__property_total_load_id_not_null NOT NULL
);

ALTER TABLE ONLY raw.raw_search_console__property_total ATTACH PARTITION raw.raw_search_console__property_total_2026_11 FOR VALUES FROM ('2026-11-01') TO ('2026-12-01');

CREATE UNIQUE INDEX raw_search_console__property_total_grain ON ONLY raw.raw_search_console__property_total USING btree (property_key, day, part) NULLS NOT DISTINCT;

CREATE UNIQUE INDEX raw_search_console__property_total_20_property_key_day_part_idx ON raw.raw_search_console__property_total_2026_11 USING btree (property_key, day, part) NULLS NOT DISTINCT;

ALTER INDEX raw.raw_search_console__property_total_grain ATTACH PARTITION raw.raw_search_console__property_total_20_property_key_day_part_idx;

insert into ops.property values (1, 'shop', 'shop.example', '2026-11-01', 'google', 2840, 'en', 100, true);
insert into ops.source_table values ('search_console', 'property_total', 1, 'dated', '2026-11-01', 2, 3, 1, '23:00', true, 16);
insert into ops.load (source, table_name, property_key, first_day, last_day, night, purpose, attempt, state, read_at, rows_read, rows_rejected, checksum, archive_scope, published_at)
values ('search_console', 'property_total', 1, '2026-11-03', '2026-11-03', '2026-11-05', 'night', 1, 'published', '2026-11-05 06:00+00', 1, 0, 'c', 'night=2026-11-05', '2026-11-05 06:01+00'),
       ('search_console', 'property_total', 1, '2026-11-04', '2026-11-04', '2026-11-06', 'night', 1, 'quarantined', '2026-11-06 06:00+00', 0, 0, 'd', 'night=2026-11-06', null);
insert into ops.load_day values (1, '2026-11-03', 1, 'c'), (2, '2026-11-04', 0, 'd');
insert into ops.publication (source, table_name, property_key, day, load_id, row_count, checksum, totals, facts, read_at)
values ('search_console', 'property_total', 1, '2026-11-03', 1, 1, 'c', '{"clicks": 2.0}', '{}', '2026-11-05 06:00+00');
insert into ops.verdict values (2, 'far_fewer_rows', 'fail', false, 1, 'No row where 1 is usual.');
insert into ops.night (night, closed_by) values ('2026-11-05', 'sources');
insert into ops.build (state, nights) values ('finished', '{2026-11-05}');
insert into ops.build_day values (1, 1, 'search_console', 'property_total', 1, '2026-11-03');
insert into raw.raw_search_console__property_total (property_key, day, clicks, impressions, ctr, position, load_id) values (1, '2026-11-03', 2, 10, 0.2, 3.5, 1);
