"""People: forgetting them when they ask, and when nobody has spoken to them for long.

What is erased is noted twice: in the ledger, and in a file beside the database, so that a restored backup forgets it
again. Both hold keyed hashes, and nobody's address.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import zstandard
from psycopg import sql

from seo_warehouse.client.archive import Folder
from seo_warehouse.errors import ConfigError
from seo_warehouse.ledger import grants, people
from seo_warehouse.ledger.people import EVERY_PROPERTY, plain
from seo_warehouse.ledger.session import Connection, transaction
from seo_warehouse.load import forgetting
from seo_warehouse.load.retention import months_before
from seo_warehouse.load.schema import SCHEMAS
from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import Feed, Source, Table
from seo_warehouse.steps.warehouse import Warehouse

Say = Callable[[str], None]
log = logging.getLogger(__name__)
ERASURES_FILE = "erasures.jsonl"
"""In the home: what was erased, for databases that are restored from before."""
TOUCHES: tuple[tuple[Source, Table], ...] = tuple(
    (source, table)
    for source in SOURCES
    for table in source.tables
    if table.feeds is Feed.TOUCHES and any(column.personal for column in table.columns)
)
"""Tables that tell when a person was last spoken to."""
CHUNK = 1 << 20
LONGEST_SOUGHT = 320
"""Of an address, https://www.rfc-editor.org/errata/eid1690."""
ZSTD = b"\x28\xb5\x2f\xfd"


def erase(wh: Warehouse, sought: str, say: Say, *, property_name: str | None, by: str) -> list[str]:
    """Forget whom an address, telephone or id names, and look for what is left. Returns where that was found.

    One transaction; counts and money stay. Files of the drop folder are named and not touched: they are the user's.
    Raises ConfigError where nothing is sought, or there is no such property.
    """
    if not len(plain("id", sought)) >= 3 or len(sought) > LONGEST_SOUGHT:
        raise ConfigError(f"say whom: an address, a telephone or an id, of 3 to {LONGEST_SOUGHT} characters")
    with wh.connect("owner", autocommit=True) as connection:
        with transaction(connection):
            key = grants.property_key(connection, property_name) if property_name else EVERY_PROPERTY
            done = people.erase(connection, sought, key, by)
            row_count = forgetting.blank(connection, SOURCES)
            _note(wh.settings.home, connection)
        say(f"{_counted(done.person_count, 'person')} forgotten; the id is gone from {_counted(row_count, 'row')}")
        say("whom it names is refused in every file from now on")
        texts = {sought.strip(), *(value for value in done.values if len(value) >= len("a@b.cd"))}
        found = [*_in_tables(connection, texts), *_in_files(wh, texts)]
    for place in found:
        say(f"still found: {place}")
    if not found:
        say("found nowhere else: not in the database, the archive, reports, logs or the drop folder")
    return found


def give_up_people(wh: Warehouse) -> int:
    """Forget whom nobody has spoken to for as long as the property keeps people, and whom a restore brought back.

    Returns how many. An id of nobody is emptied too: a load may have been on its way while its person was erased.
    """
    today = wh.now().date()
    with wh.connect("owner", autocommit=True) as connection, transaction(connection):
        people.refuse(connection, _noted(wh.settings.home), "restored")
        count = people.erase_refused(connection)
        months: dict[int, int] = {}
        for source, _ in TOUCHES:
            for prop in wh.properties.with_source(source):
                months[prop.key] = max(months.get(prop.key, 0), prop.settings_of(source).contact_months)
        for key, kept in months.items():
            count += forgetting.forget_silent(connection, TOUCHES, key, _before(today, kept))
        forgetting.blank(connection, SOURCES)
        _note(wh.settings.home, connection)
    if count:
        log.info("%s people were kept long enough, or are to be forgotten: they are gone", count)
    return count


def _before(today: date, months: int) -> date:
    """The day so many months before today; where a month has no such day, the first after it."""
    first = months_before(today, months)
    return min(first + (today - today.replace(day=1)), months_before(first, -1))


def _note(home: Path, connection: Connection) -> None:
    """Write what is erased beside the database, whole or not at all."""
    lines = [json.dumps([key, value.hex()]) for key, value in sorted(people.read_erased(connection))]
    if not lines:
        return
    aside = home / f".{ERASURES_FILE}.{os.getpid()}"
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
        file.flush()
        os.fsync(file.fileno())
    aside.replace(home / ERASURES_FILE)


def _noted(home: Path) -> list[tuple[int, bytes]]:
    file = home / ERASURES_FILE
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return [(int(key), bytes.fromhex(value)) for key, value in map(json.loads, lines)]


def _in_tables(connection: Connection, texts: set[str]) -> Iterator[str]:
    """The tables in which a text stands still, and in how many rows."""
    tables = connection.execute(
        """
        select n.nspname, c.relname from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
        where n.nspname = any(%s) and c.relkind in ('r', 'm') order by 1, 2
        """,
        (list(SCHEMAS),),
    ).fetchall()
    for schema, table in tables:
        statement = sql.SQL(
            "select count(*) from {} as t where exists (select from unnest(%s::text[]) as s where position(s in"
            " lower(t::text)) > 0)"
        ).format(sql.Identifier(schema, table))
        [(count,)] = connection.execute(statement, ([text.lower() for text in texts],)).fetchall()
        if count:
            yield f"{schema}.{table}, {_counted(count, 'row')}"


def _in_files(wh: Warehouse, texts: set[str]) -> Iterator[str]:
    """The files of the archive, the home and the drop folder in which a text stands still."""
    sought = [text.lower().encode() for text in texts]
    home = wh.settings.home
    own = [path for name in ("reports", "logs", "dbt", "airflow/logs") for path in _files(home / name)]
    for path in [*_archived(wh.archive), *own, *_files(wh.settings.drop)]:
        try:
            if _holds(path, sought):
                yield str(path)
        except OSError as error:
            yield f"{path} could not be read: {error.strerror}"


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _archived(folder: Folder) -> Iterator[Folder]:
    for path in list(folder.iterdir()) if folder.exists() else []:
        if path.is_dir():
            yield from _archived(path)
        else:
            yield path


def _holds(path: Folder | Path, sought: list[bytes]) -> bool:
    with path.open("rb") as file:
        head = file.read(len(ZSTD))
        file.seek(0)
        stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) if head == ZSTD else file
        overlap, before = max(map(len, sought)), b""
        while chunk := stream.read(CHUNK):
            piece = before + chunk.lower()
            if any(text in piece for text in sought):
                return True
            before = piece[-overlap:]
    return False


def _counted(count: int, noun: str) -> str:
    plural = {"person": "people"}.get(noun, f"{noun}s")
    return f"{count:,} {noun if count == 1 else plural}"
