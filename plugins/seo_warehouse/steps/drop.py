"""Dropped files, from the folder into the warehouse: the steps of a drop source, for Airflow's tasks and commands.

Files are kept in the archive first; from then on only the archive is read, so a file may leave the folder, and a step
that was cut is taken up where it was. How a source's files are found and understood is its way (drop_way.py). Each part
of a file is a load of its own. One file's trouble keeps no other from being read: a refused file and a quarantined load
are verdicts, anything else is raised once all were tried.
"""

from __future__ import annotations

import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from datetime import date

import psycopg

from seo_warehouse.client.api import Noted, Usage
from seo_warehouse.errors import (
    AuditFailedError,
    ConfigError,
    ExportError,
    LogError,
    SeoWarehouseError,
    TransientLoadError,
)
from seo_warehouse.exports.parts import Part
from seo_warehouse.ledger import files, nights
from seo_warehouse.ledger.files import KeptFile
from seo_warehouse.ledger.session import step
from seo_warehouse.ledger.turns import try_turn
from seo_warehouse.load.publish import publish as publish_load
from seo_warehouse.sources import source_named
from seo_warehouse.sources.exports import EXPORTS
from seo_warehouse.sources.outreach import OUTREACH
from seo_warehouse.sources.server_logs import SERVER_LOGS
from seo_warehouse.spec import Period, Reading, Row
from seo_warehouse.steps import reading
from seo_warehouse.steps.drop_exports import EXPORTS_WAY
from seo_warehouse.steps.drop_logs import LOGS_WAY
from seo_warehouse.steps.drop_outreach import OUTREACH_WAY
from seo_warehouse.steps.drop_way import Run, Say, Way
from seo_warehouse.steps.warehouse import Warehouse
from seo_warehouse.terminal import say_table

log = logging.getLogger(__name__)
PROGRESS_ROWS = 250_000
WAYS: dict[str, Way] = {EXPORTS.name: EXPORTS_WAY, SERVER_LOGS.name: LOGS_WAY, OUTREACH.name: OUTREACH_WAY}
"""By source: how its files are read."""


def write(wh: Warehouse, source_name: str, property_name: str, night: date, say: Say = log.info) -> list[int]:
    """Read every file of a property that the ledger lacks, and what failed of older ones, into `audit`.

    Returns the loads written. Raises TransientLoadError while another process does the same; else, once all files were
    tried, the first error that was no verdict.
    """
    with _running(wh, source_name, property_name, night, say) as run:
        _write(run)
    if run.failures:
        raise run.failures[0]
    return run.load_ids


def audit(wh: Warehouse, source_name: str, night: date, property_key: int | None = None) -> None:
    """Judge every written load of a night's files. Raises the last unexpected error once all were tried."""
    source = source_named(source_name)
    failure: Exception | None = None
    for table in source.tables:
        with wh.connect("loader", autocommit=True) as connection:
            waiting = nights.loads_in(connection, "written", source.name, table.name, night, property_key)
        try:
            reading.audit_loads(wh, source, table, waiting)
        except (SeoWarehouseError, psycopg.Error) as error:
            failure = error
    if failure is not None:
        raise failure


def publish(wh: Warehouse, source_name: str, property_name: str, night: date) -> list[str]:
    """Merge a property's passed loads of a night into `raw`. Returns what became of each."""
    source, prop = reading.configured(wh, source_name, property_name)
    states: list[str] = []
    with wh.connect("loader", autocommit=True) as connection:
        for table in source.tables:
            ready = nights.loads_in(connection, "passed", source.name, table.name, night, prop.key)
            states += [publish_load(connection, source, table, load_id) for load_id in ready]
    return states


def verdict(wh: Warehouse, source_name: str, night: date) -> None:
    """Raise AuditFailedError naming each file, or part of one, that stayed out of the warehouse in a night."""
    source = source_named(source_name)
    names = {prop.key: prop.name for prop in wh.properties.with_source(source)}
    with wh.connect("loader") as connection:
        unread = files.unread(connection, source.name, list(names), night)
    if unread:
        lines = " | ".join(f"{names[key]}: {sentence}" for key, sentence in unread)
        raise AuditFailedError(f"{len(unread)} files, or parts of files, stayed out of the warehouse. {lines}")


def ingest(wh: Warehouse, source_name: str, property_name: str, night: date, say: Say) -> list[str]:
    """Read, judge and publish a property's new files, here and now, and say what became of each. Returns the states.

    Raises, once all was tried that can be, what `write` raises; AuditFailedError where a file was refused or a load of
    one is not in the warehouse.
    """
    with _running(wh, source_name, property_name, night, say) as run:
        _write(run)
        audit(wh, source_name, night, run.prop.key)
        publish(wh, source_name, property_name, night)
        became = files.outcomes(run.connection, run.source.name, run.prop.key, run.touched)
        unread = files.unread(run.connection, run.source.name, [run.prop.key], night)
    if became:
        headings = ("file", "form", "table", "from", "to", "rows", "refused", "contradicted", "state", "reason")
        say_table(headings, became, say)
    if run.failures:
        raise run.failures[0]
    if unread:
        raise AuditFailedError(" | ".join(sentence for _, sentence in unread))
    return [state for *_, state, _ in became]


def replay(
    wh: Warehouse, source_name: str, property_name: str, first: date, last: date, say: Say = log.info
) -> list[str]:
    """Read again, from the archive, every file that was loaded and speaks of days from first to last.

    The one read last comes first: what a file takes back of its own may then come from an older one again. Returns the
    states of the loads. Raises NotArchivedError where the archive lacks a file, ExportError or LogError where
    it is refused now.
    """
    states: list[str] = []
    with _running(wh, source_name, property_name, wh.now().date(), say) as run:
        for file in reversed(files.loaded_files(run.connection, run.source.name, run.prop.key, first, last)):
            for part in WAYS[source_name].understand(run, file):
                if part.row_count:
                    load_id = _load(run, file, part, purpose="replay")
                    states += reading.settle(wh, run.source, run.source.table(part.table), [load_id])
    return states


@contextmanager
def _running(wh: Warehouse, source_name: str, property_name: str, night: date, say: Say) -> Iterator[Run]:
    """Two that read a folder at once would each find its files new. Raises TransientLoadError for the second."""
    source, prop = reading.configured(wh, source_name, property_name)
    if night > wh.now().date():
        raise ConfigError(f"night {night} has not begun (it is {wh.now():%Y-%m-%d %H:%M} UTC)")
    wh.expect_same_sites()
    what = f"read the files of {prop.name}"
    # The session holds it: a killed process lets it go.
    with wh.connect("loader", autocommit=True) as connection, step(connection, what):
        if not try_turn(connection, f"files {source.name} {prop.key}"):
            raise TransientLoadError(f"{what}: another process is reading them; try again when it has ended")
        # A property that is new in properties.yml: else nothing would tell whose URLs are its own.
        if not connection.execute("select 1 from ops.property where property_key = %s", (prop.key,)).fetchone():
            wh.sync_properties()
        yield Run(wh, connection, source, prop, night, say)


def _write(run: Run) -> None:
    way = WAYS[run.source.name]
    way.collect(run)
    waiting = files.waiting_files(run.connection, run.source.name, run.prop.key)
    for file in {file.sha256: file for file in (*waiting, *way.again(run))}.values():
        run.touched.append(file.sha256)
        try:
            _read(run, way, file)
        except (ExportError, LogError) as error:
            files.refuse(run.connection, file, str(error), run.night)
            run.say(f"refused: {error}")
        except Exception as error:  # noqa: BLE001  one file must keep no other from being read; raised by the callers
            files.note_trouble(run.connection, file, f"{type(error).__name__}: {error}")
            run.say(f"{file.name}: not read: {error}")
            run.failures.append(error)


def _read(run: Run, way: Way, file: KeptFile) -> None:
    """Understand an archived file and load what the ledger lacks of it."""
    parts = tuple(way.understand(run, file))
    files.note_parts(run.connection, file, parts, run.night)
    settled = files.settled_parts(run.connection, run.source.name, file)
    for part in parts:
        run.say(f"{file.name}: {part.part}, {part.row_count:,} rows for {part.table}")
        for note in way.notes(run, file, part):
            run.say(f"{file.name}: {note}")
        is_new = (part.table, part.part) not in settled or files.lacks(
            run.connection, run.source.name, file, part, way.facts(run, file, part)
        )
        if part.row_count and is_new:
            run.load_ids.append(_load(run, file, part, purpose="night"))


def _load(run: Run, file: KeptFile, part: Part, *, purpose: str) -> int:
    reads = Reading(
        source=run.source,
        table=run.source.table(part.table),
        property=run.prop,
        period=Period(part.first_day, part.last_day),
        part=part.part,
        night=run.night if purpose == "night" else None,
        purpose=purpose,
        scope=file.scope,
    )
    facts = {day: dict(told) for day, told in WAYS[run.source.name].facts(run, file, part).items()}
    noted = Noted(days=set(facts), facts=facts, usage=Usage(bytes=file.bytes, last_answer_at=part.exported_at))
    # Not the run's own: who reads the rows may ask it something meanwhile.
    with run.wh.connect("loader", autocommit=True) as connection:
        return reading.write_load(connection, reads, _counted(run, file, part, noted), noted)


def _counted(run: Run, file: KeptFile, part: Part, noted: Noted) -> Generator[Row, None, None]:
    """The rows of a part; their days are noted, and now and then it is said how far it is."""
    for number, row in enumerate(WAYS[run.source.name].rows(run, file, part), start=1):
        noted.days.add(row["day"])
        yield row
        if number % PROGRESS_ROWS == 0:
            run.say(f"{file.name}: {number:,} of {part.row_count:,} rows")
