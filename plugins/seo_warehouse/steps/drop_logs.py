"""How server logs are read: each file on from where its log was left; what is kept of that is a file of its own.

Verdicts follow from the lists of operators' addresses as they were read around each day. Where a list of these days is
read only later, the segments of the last nights are judged again, and those from before any list was read.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta, tzinfo
from itertools import chain
from tempfile import TemporaryFile
from typing import IO, BinaryIO, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from seo_warehouse.errors import ConfigError, LogError
from seo_warehouse.exports import folder
from seo_warehouse.exports.parts import Part
from seo_warehouse.ledger import files, log_places, reverse_names
from seo_warehouse.ledger.files import KeptFile
from seo_warehouse.ledger.session import transaction
from seo_warehouse.logs import asof, keeping, rows
from seo_warehouse.logs.lines import LONGEST
from seo_warehouse.logs.names import find_suffixes, is_address
from seo_warehouse.logs.resuming import Checkpoint, Start, find_start
from seo_warehouse.sources.server_logs import BOT_HIT, SERVER_LOGS, STREAM_NAME
from seo_warehouse.spec import EXPORTED_AT, Facts, Row
from seo_warehouse.steps import bot_lists, log_objects
from seo_warehouse.steps.drop_way import KEY, Run, Way

FOLDER = "logs"
PACKED = (b"\x1f\x8b", b"\x28\xb5")
JUDGED_AGAIN = 2 * asof.AROUND
"""For so long a day's verdicts may change: its lists may be read for a week yet, and that night be read late."""
NAMES_KEPT = timedelta(days=30)
_STREAM = re.compile(STREAM_NAME)
_READERS: dict[str, Callable[[rows.Log, IO[bytes], Callable[[date], asof.AsOf]], Iterator[Row]]] = {
    "bot_hit": rows.read_bot_hits,
    "human_hit": rows.read_human_hits,
    "entry": rows.read_entries,
    "segment": rows.read_segments,
    "malformed_line": rows.read_malformed_lines,
}


def _collect(run: Run) -> None:
    """Keep what is new in the logs of every stream, and note what lies in their folders."""
    top = run.wh.settings.drop / run.prop.name / FOLDER
    top.mkdir(parents=True, exist_ok=True)
    reverse_names.forget(run.connection, run.prop.key, run.night - NAMES_KEPT)
    names: list[str] = []
    for entry in sorted(os.scandir(top), key=lambda entry: entry.name):
        if not entry.is_dir(follow_symlinks=False) or not _STREAM.fullmatch(entry.name):
            run.say(f"{FOLDER}/{folder.shown(entry.name)}: left: it is no folder of a stream")
            continue
        names += _collect_stream(run, entry.name)
    for stream, uri in run.prop.settings_of(SERVER_LOGS).buckets.items():
        names += _collect_bucket(run, stream, uri)
    files.forget_others(run.connection, run.source.name, run.prop.key, names)


def _collect_stream(run: Run, stream: str) -> list[str]:
    """Keep what is new in a stream, in the order in which its files were written. Returns their names."""
    # A log is read while it is written: only whole lines count, and the rest comes the next night.
    seen = folder.look(run.wh.settings.drop / run.prop.name / FOLDER / stream, quiet_seconds=0)
    before = files.sightings(run.connection, run.source.name, run.prop.key)
    for name, reason in seen.left:
        run.say(f"{stream}/{name}: left: {reason}")
    for refused in seen.refused:
        _see(run, f"{stream}/{refused.name}", refused.signature, reason=refused.reason)
    for found in sorted(seen.files, key=lambda found: found.written_at):
        name = f"{stream}/{found.name}"
        try:
            has_ended = _has_ended(run, found)
            signature = f"{found.signature}{':ended' * has_ended}"
            if name not in before or before[name].signature != signature:
                _take(run, stream, found, signature, has_ended=has_ended)
        except OSError as error:
            run.say(f"{name}: not read: {error.strerror}")
            run.failures.append(error)
    return [f"{stream}/{name}" for name in (*(f.name for f in seen.files), *(r.name for r in seen.refused))]


def _collect_bucket(run: Run, stream: str, uri: str) -> list[str]:
    """Keep what is new of a stream in an object store, where a log has ended once it is there. Returns the names."""
    before = files.sightings(run.connection, run.source.name, run.prop.key)
    names = [name for name in before if name.startswith(f"{stream}/")]
    try:
        there = log_objects.look(run.wh.open_root(uri))
        names = [f"{stream}/{found.name}" for found in there]
        for name, found in zip(names, there, strict=True):
            if name not in before or before[name].signature != found.signature:
                with found.fetch() as copied:
                    _take(run, stream, copied, found.signature, has_ended=True)
    except Exception as error:  # noqa: BLE001  one store must keep no other log from being read; raised by the callers
        run.say(f"{stream}: not read: {error}")
        run.failures.append(error)
    return names


def _take(run: Run, stream: str, found: folder.Found, signature: str, *, has_ended: bool) -> None:
    """Keep what is new in a file, and note that it was seen, or why it is refused. Raises OSError."""
    name = f"{stream}/{found.name}"
    try:
        _see(run, name, signature, sha256=_keep(run, stream, found, has_ended=has_ended))
    except LogError as error:
        _see(run, name, signature, reason=str(error))
        run.say(f"{name}: refused: {error}")


def _see(run: Run, name: str, signature: str, *, sha256: str | None = None, reason: str | None = None) -> None:
    files.see(run.connection, run.source.name, run.prop.key, name, signature, run.night, sha256=sha256, reason=reason)


def _keep(run: Run, stream: str, found: folder.Found, *, has_ended: bool) -> str | None:
    """Keep what is new in a file; None where nothing is. Raises LogError or OSError."""
    if not has_ended and b"\n" not in _first_bytes(found):
        return None
    if not found.size:
        return None
    start = find_start(found.path, _places(run, stream))
    if start is None:
        run.say(f"{stream}/{found.name}: unchanged: all of it was read")
        return None
    stated = run.prop.settings_of(SERVER_LOGS)
    with TemporaryFile() as spool:
        kept = keeping.keep(
            found.path,
            start,
            spool,
            _finder(run),
            domain=run.prop.domain,
            takes_rest=has_ended,
            stated=stated.formats.get(stream),
            zone=_zone(stated.zones.get(stream)),
            address=stated.client_addresses.get(stream),
            most_unlisted=stated.reverse_names,
        )
        if kept.checkpoint is None:
            return None
        return _archive(run, stream, found, start, kept, spool)


def _find_names(run: Run, addresses: Sequence[str]) -> bytes:
    """What the resolver says of addresses, as many as a night may ask about, each noted before it is asked about."""
    key, night = run.prop.key, run.night
    found = reverse_names.known(run.connection, key, addresses)
    left = run.prop.settings_of(SERVER_LOGS).reverse_names - reverse_names.count_asked(run.connection, key, night)
    unknown = [address for address in addresses if address not in found and is_address(address)][: max(left, 0)]
    for answered in find_suffixes(run.wh.resolver, reverse_names.note_asked(run.connection, key, night, unknown)):
        reverse_names.note_answers(run.connection, key, night, answered)
        found |= answered
    return keeping.name_lines(found)


def _archive(run: Run, stream: str, found: folder.Found, start: Start, kept: keeping.Kept, spool: IO[bytes]) -> str:
    point = kept.checkpoint
    assert point is not None  # noqa: S101
    name = f"{stream}/{found.name}"
    sha256 = hashlib.sha256(f"{stream}\n{point.fingerprint}\n{start.from_byte}".encode()).hexdigest()
    names = _find_names(run, kept.unlisted) if kept.unlisted else b""
    size = len(names) + spool.tell()
    spool.seek(0)
    facts = {"name": name, "bytes": size, "written_at": found.written_at.isoformat(), "to_byte": point.to_byte}
    run.archive(sha256).put_file(KEY, facts, chain([names], iter(lambda: spool.read(folder.CHUNK_BYTES), b"")))
    file = KeptFile(run.prop.key, sha256, name, point.to_byte - start.from_byte, found.written_at)
    with transaction(run.connection):
        files.keep(run.connection, run.source.name, file, run.night)
        log_places.note_segment(run.connection, run.prop.key, stream, start.from_byte, point, kept.format_name, sha256)
    _places(run, stream).append(point)
    return sha256


def _places(run: Run, stream: str) -> list[Checkpoint]:
    """How far the logs of a stream were read, this run's own reading included."""
    name = f"places {stream}"
    if name not in run.known:
        run.known[name] = log_places.places(run.connection, run.prop.key, stream)
    return cast(list[Checkpoint], run.known[name])


def _has_ended(run: Run, found: folder.Found) -> bool:
    """Whether nothing will be added to a file: it is packed, or the night began after it was written last."""
    return _first_bytes(found)[:2] in PACKED or found.written_at.date() < run.night


def _first_bytes(found: folder.Found) -> bytes:
    with os.fdopen(os.open(found.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
        return file.read(LONGEST)


def _zone(name: str | None) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        raise ConfigError(f"server_logs: {name!r} is no time zone") from None


def _readings(run: Run) -> asof.Readings:
    """Every reading of the operators' lists."""
    if "readings" not in run.known:
        run.known["readings"] = bot_lists.read_lists(run.connection)
    return cast(asof.Readings, run.known["readings"])


def _finder(run: Run) -> Callable[[str], str | None]:
    if "finder" not in run.known:
        run.known["finder"] = asof.make_finder(bot_lists.read_every_range(run.connection))
    return cast(Callable[[str], str | None], run.known["finder"])


def _as_of(run: Run) -> Callable[[date], asof.AsOf]:
    if "as_of" not in run.known:
        run.known["as_of"] = asof.make_as_of(_readings(run))
    return cast(Callable[[date], asof.AsOf], run.known["as_of"])


def _again(run: Run) -> list[KeptFile]:
    """Segments with days of which other lists hold now than when they were judged: of late, or before any were read."""
    readings = _readings(run)
    read_since = max((min(by_day) for by_day in readings.values()), default=date.min)
    found = run.connection.execute(
        """
        select f.property_key, f.sha256, f.file_name, f.bytes, f.written_at, f.state, f.reason, p.day,
               p.facts ->> 'ranges'
        from ops.publication as p
        join ops.log_segment as s
            on s.property_key = p.property_key
           and p.part = s.stream || '/' || left(s.fingerprint, 16) || '/' || s.from_byte
        join ops.export_file as f on f.property_key = s.property_key and f.sha256 = s.sha256
        where p.source = %s and p.table_name = %s and p.property_key = %s and p.is_current
          and (p.day >= %s or p.day < %s)
        order by f.written_at, f.seen_at
        """,
        (run.source.name, BOT_HIT.name, run.prop.key, run.night - JUDGED_AGAIN, read_since),
    ).fetchall()
    keys = {day: asof.make_key(readings, day) for day in {row[7] for row in found}}
    stale = {row[1]: KeptFile(*row[:7]) for row in found if keys[row[7]] != row[8]}
    return list(stale.values())


def _log(run: Run, file: KeptFile) -> rows.Log:
    stream, _, name = file.name.partition("/")
    site = run.prop.settings_of(SERVER_LOGS).site
    return rows.Log(stream=stream, name=name, site=site, written_on=file.written_at.date())


def _understand(run: Run, file: KeptFile) -> Iterator[Part]:
    stream, fingerprint, from_byte = log_places.segment_of(run.connection, run.prop.key, file.sha256)
    for table in _READERS:
        first, last, count = date.max, date.min, 0
        for row in _read(run, file, table):
            first, last, count = min(first, row["day"]), max(last, row["day"]), count + 1
        if count:
            part = f"{stream}/{fingerprint[:16]}/{from_byte}"
            yield Part(table, part, first, last, file.written_at, row_count=count)


def _read(run: Run, file: KeptFile, table: str) -> Iterator[Row]:
    with _open(run, file) as kept:
        yield from _READERS[table](_log(run, file), kept, _as_of(run))


def _rows(run: Run, file: KeptFile, part: Part) -> Iterator[Row]:
    for row in _read(run, file, part.table):
        yield {**row, EXPORTED_AT: file.written_at}


def _facts(run: Run, file: KeptFile, part: Part) -> Mapping[date, Facts]:
    """How much of the segment is malformed, with its first day; of each day of bots by which lists they were judged."""
    with _open(run, file) as kept:
        told = rows.read_facts(kept)
    facts: dict[date, dict[str, object]] = {}
    if part.table == BOT_HIT.name:
        readings = _readings(run)
        days = {row["day"] for row in _read(run, file, part.table)}
        facts = {day: {"ranges": asof.make_key(readings, day)} for day in days}
    counts = {name: told[name] for name in ("line_count", "malformed_count", "front_count")}
    facts.setdefault(part.first_day, {}).update(counts)
    return facts


def _notes(run: Run, file: KeptFile, part: Part) -> Iterable[str]:
    return ()


def _open(run: Run, file: KeptFile) -> BinaryIO:
    return run.opener(file)()


LOGS_WAY = Way(collect=_collect, again=_again, understand=_understand, rows=_rows, facts=_facts, notes=_notes)
