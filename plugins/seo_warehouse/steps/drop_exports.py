"""How exports are read: each file whole, known by its bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from seo_warehouse.exports import folder, forms, looks
from seo_warehouse.exports.parts import Part
from seo_warehouse.ledger import files
from seo_warehouse.ledger.files import KeptFile
from seo_warehouse.sources.exports import BACKLINK, EXPORTS
from seo_warehouse.spec import Facts, Row
from seo_warehouse.steps.drop_way import KEY, Run, Way

OF_OTHERS = "logs"
"""The folder of another source."""
TOLD_LINES = 20
"""Refused lines of a part that are said; all that are kept are in the ledger."""


def _collect(run: Run) -> None:
    """Bring the bytes of every new file into the archive, and note what lies in the folder."""
    seen = folder.look(run.wh.settings.drop / run.prop.name)
    before = files.sightings(run.connection, run.source.name, run.prop.key)
    for name, reason in seen.left:
        if name != OF_OTHERS:
            run.say(f"{name}: left: {reason}")
    for refused in seen.refused:
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
    for found in seen.files:
        known = before.get(found.name)
        is_known = known is not None and known.signature == found.signature and known.sha256 is not None
        if is_known and known is not None and run.archive(str(known.sha256)).has(KEY):
            continue
        try:
            _keep(run, found)
        except folder.ChangedError as error:
            run.say(f"{found.name}: left: {error}")
        except OSError as error:
            run.say(f"{found.name}: not read: {error.strerror}")
            run.failures.append(error)
    names = [*(found.name for found in seen.files), *(refused.name for refused in seen.refused)]
    files.forget_others(run.connection, run.source.name, run.prop.key, names)


def _keep(run: Run, found: folder.Found) -> None:
    """Archive a file unless its bytes are known. A refused or renamed one gets another try: name or date may matter."""
    sha256 = found.sha256()
    known = files.known_file(run.connection, run.prop.key, sha256)
    archive = run.archive(sha256)
    if not archive.has(KEY):
        facts = {"name": found.name, "bytes": found.size, "written_at": found.written_at.isoformat()}
        archive.put_file(KEY, facts, _unchanged(found, sha256))
    if known is None or known.state == "refused" or looks.is_renamed(known.name, found.name):
        kept = KeptFile(run.prop.key, sha256, found.name, found.size, found.written_at)
        files.keep(run.connection, run.source.name, kept, run.night)
    else:
        run.touched.append(sha256)
        run.say(f"{found.name}: unchanged: its bytes are those of {known.name}")
    files.see(run.connection, run.source.name, run.prop.key, found.name, found.signature, run.night, sha256=sha256)


def _unchanged(found: folder.Found, sha256: str) -> Iterator[bytes]:
    """The bytes once more. Raises ChangedError where they are others than before."""
    digest = hashlib.sha256()
    for chunk in found.chunks():
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != sha256:
        raise folder.ChangedError(f"{found.name} was written to while it was read")


def _understand(run: Run, file: KeptFile) -> tuple[Part, ...]:
    return forms.recognise(file.name, run.opener(file), file.written_at)


def _rows(run: Run, file: KeptFile, part: Part) -> Iterable[Row]:
    return forms.read(file.name, run.opener(file), part)


def _facts(run: Run, file: KeptFile, part: Part) -> Mapping[date, Facts]:
    return looks.facts_of(part, file.name)


def _notes(run: Run, file: KeptFile, part: Part) -> Iterator[str]:
    if part.table == BACKLINK.name:
        yield looks.say_look(part, file.name, run.prop.settings_of(EXPORTS).backlinks.whole_since)
    yield from (*part.notes, *map(str, part.refused[:TOLD_LINES]))
    if part.refused_count > TOLD_LINES:
        yield f"{part.refused_count - TOLD_LINES:,} refused lines more, see ops.export_refusal"


EXPORTS_WAY = Way(
    collect=_collect, again=lambda run: [], understand=_understand, rows=_rows, facts=_facts, notes=_notes
)
