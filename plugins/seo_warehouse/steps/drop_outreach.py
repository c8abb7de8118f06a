"""How files of outreach are read: as exports are, once people are out of them.

A file is known by the SHA-256 of its bytes as they lie in the folder. What is kept of it in the archive is the file
without people (exports/stripping.py); these go to schema `personal` first. So a replay gives all but people.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import IO, BinaryIO

from seo_warehouse.exports import folder, forms, stripping
from seo_warehouse.exports.layout import Reading
from seo_warehouse.exports.parts import Part
from seo_warehouse.exports.values import Habits
from seo_warehouse.ledger.files import KeptFile
from seo_warehouse.ledger.people import People, living
from seo_warehouse.spec import Facts, Row
from seo_warehouse.steps.drop_exports import collect, told_notes
from seo_warehouse.steps.drop_way import Run, Way

FOLDER = "outreach"


def _collect(run: Run) -> None:
    collect(run, run.wh.settings.drop / run.prop.name / FOLDER, _stripped, prefix=f"{FOLDER}/")


def _stripped(run: Run, found: folder.Found, sha256: str) -> tuple[int, Iterator[bytes]]:
    """What is left of a file without people, who are kept first. Raises ChangedError, ExportError."""
    with tempfile.TemporaryFile() as copy:
        for chunk in folder.unchanged(found, sha256):
            copy.write(chunk)
        copy.flush()

        def open_copy() -> BinaryIO:
            stream = os.fdopen(os.dup(copy.fileno()), "rb")
            stream.seek(0)
            return stream

        people = People(run.connection, run.prop.key)
        left = tempfile.TemporaryFile()  # noqa: SIM115  it goes with the last of its chunks
        try:
            left.writelines(stripping.strip(found.name, open_copy, people.find))
            people.save(sha256)
        except BaseException:
            left.close()
            raise
    return left.tell(), _emptied(left)


def _emptied(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        file.seek(0)
        while chunk := file.read(folder.CHUNK_BYTES):
            yield chunk


def _understand(run: Run, file: KeptFile) -> tuple[Part, ...]:
    reading = Reading(Habits(), file.written_at.date() + timedelta(days=1))
    sheet = stripping.sheet_of(file.name, run.opener(file), reading)
    if sheet is None:
        return ()
    return (forms.survey_sheets(file.name, (sheet,), {"": run.opener(file)}, file.written_at),)


def _rows(run: Run, file: KeptFile, part: Part) -> Iterator[Row]:
    """The rows of a part, without the ids of those who were erased since."""
    personal = [column.name for column in run.source.table(part.table).columns if column.personal]
    known = living(run.connection, run.prop.key) if personal else frozenset()
    for row in forms.read(file.name, run.opener(file), part):
        for name in personal:
            if row[name] not in known:
                row[name] = None
        yield row


def _facts(run: Run, file: KeptFile, part: Part) -> Mapping[date, Facts]:
    return {}


OUTREACH_WAY = Way(
    collect=_collect, again=lambda run: [], understand=_understand, rows=_rows, facts=_facts, notes=told_notes
)
