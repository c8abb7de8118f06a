"""How exports are read: each file whole, known by its bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

from seo_warehouse.errors import ExportError
from seo_warehouse.exports import folder, forms, looks, stripping
from seo_warehouse.exports.parts import Part
from seo_warehouse.ledger import files
from seo_warehouse.ledger.files import KeptFile
from seo_warehouse.sources.exports import BACKLINK, EXPORTS
from seo_warehouse.spec import Facts, Row
from seo_warehouse.steps.drop_way import KEY, Run, Way

OF_OTHERS = ("logs", "outreach")
"""The folders of other sources."""
Content = Callable[[Run, folder.Found, str], tuple[int, Iterator[bytes]]]
"""What is archived of a file whose SHA-256 is given: how many bytes, and these.

Raises ChangedError, and ExportError where it may not be kept.
"""
TOLD_LINES = 20
"""Refused lines of a part that are said; all that are kept are in the ledger."""


def _collect(run: Run) -> None:
    collect(run, run.wh.settings.drop / run.prop.name, _whole)


def _whole(run: Run, found: folder.Found, sha256: str) -> tuple[int, Iterator[bytes]]:
    if stripping.is_of_outreach(found.name, next(found.chunks(), b"")):
        raise ExportError(f"{found.name} is of outreach, which may name people: put it into the folder outreach/")
    return found.size, folder.unchanged(found, sha256)


def collect(run: Run, place: Path, content: Content, prefix: str = "") -> None:
    """Bring what may be kept of every new file into the archive, and note what lies in the folder.

    `prefix` stands before the names that are noted.
    """
    seen = folder.look(place)
    found_files = [replace(found, name=f"{prefix}{found.name}") for found in seen.files]
    refused_files = [replace(refused, name=f"{prefix}{refused.name}") for refused in seen.refused]
    before = files.sightings(run.connection, run.source.name, run.prop.key)
    for name, reason in seen.left:
        if name not in OF_OTHERS:
            run.say(f"{name}: left: {reason}")
    for refused in refused_files:
        if refused.name not in before or before[refused.name].signature != refused.signature:
            files.see(
                run.connection,
                run.source.name,
                run.prop.key,
                refused.name,
                refused.signature,
                run.night,
                reason=refused.reason,
            )
        run.say(f"{refused.name}: refused: {refused.reason}")
    for found in found_files:
        known = before.get(found.name)
        is_same = known is not None and known.signature == found.signature
        # What was refused without its bytes being kept stays so until it changes.
        if is_same and known is not None and (known.sha256 is None or run.archive(known.sha256).has(KEY)):
            continue
        try:
            _keep(run, found, content)
        except ExportError as error:
            reason = str(error)
            files.see(
                run.connection, run.source.name, run.prop.key, found.name, found.signature, run.night, reason=reason
            )
            run.say(f"{found.name}: refused: {reason}")
        except folder.ChangedError as error:
            run.say(f"{found.name}: left: {error}")
        except OSError as error:
            run.say(f"{found.name}: not read: {error.strerror}")
            run.failures.append(error)
    names = [*(found.name for found in found_files), *(refused.name for refused in refused_files)]
    files.forget_others(run.connection, run.source.name, run.prop.key, names)


def _keep(run: Run, found: folder.Found, content: Content) -> None:
    """Archive a file unless its bytes are known. A refused or renamed one gets another try: name or date may matter."""
    sha256 = found.sha256()
    known = files.known_file(run.connection, run.prop.key, sha256)
    archive = run.archive(sha256)
    if not archive.has(KEY):
        size, chunks = content(run, found, sha256)
        facts = {"name": found.name, "bytes": size, "written_at": found.written_at.isoformat()}
        archive.put_file(KEY, facts, chunks)
    if known is None or known.state == "refused" or looks.is_renamed(known.name, found.name):
        kept = KeptFile(run.prop.key, sha256, found.name, found.size, found.written_at)
        files.keep(run.connection, run.source.name, kept, run.night)
    else:
        run.touched.append(sha256)
        run.say(f"{found.name}: unchanged: its bytes are those of {known.name}")
    files.see(run.connection, run.source.name, run.prop.key, found.name, found.signature, run.night, sha256=sha256)


def _understand(run: Run, file: KeptFile) -> tuple[Part, ...]:
    return forms.recognise(file.name, run.opener(file), file.written_at)


def _rows(run: Run, file: KeptFile, part: Part) -> Iterable[Row]:
    return forms.read(file.name, run.opener(file), part)


def _facts(run: Run, file: KeptFile, part: Part) -> Mapping[date, Facts]:
    return looks.facts_of(part, file.name)


def _notes(run: Run, file: KeptFile, part: Part) -> Iterator[str]:
    if part.table == BACKLINK.name:
        yield looks.say_look(part, file.name, run.prop.settings_of(EXPORTS).backlinks.whole_since)
    yield from told_notes(run, file, part)


def told_notes(run: Run, file: KeptFile, part: Part) -> Iterator[str]:
    """What was left aside of a part, and the first lines that were refused."""
    yield from (*part.notes, *map(str, part.refused[:TOLD_LINES]))
    if part.refused_count > TOLD_LINES:
        yield f"{part.refused_count - TOLD_LINES:,} refused lines more, see ops.export_refusal"


EXPORTS_WAY = Way(
    collect=_collect, again=lambda run: [], understand=_understand, rows=_rows, facts=_facts, notes=_notes
)
