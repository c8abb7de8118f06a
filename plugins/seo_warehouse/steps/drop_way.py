"""What steps/drop.py needs to know of a source of files: how they are found, kept and understood."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, BinaryIO

from seo_warehouse.client.archive import Archive, open_archive
from seo_warehouse.config import Property
from seo_warehouse.exports.parts import Part
from seo_warehouse.ledger import loads
from seo_warehouse.ledger.files import KeptFile
from seo_warehouse.ledger.session import Connection
from seo_warehouse.spec import Facts, Row, Source
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
Say = Callable[[str], None]
KEY = "file"
"""Under which a file lies in its own place in the archive."""


@dataclass
class Run:
    """One property's files being read: what was touched, written and went wrong so far."""

    wh: Warehouse
    connection: Connection
    source: Source
    prop: Property
    night: date
    say: Say
    touched: list[str] = field(default_factory=list)
    load_ids: list[int] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)
    """What a way looked up once."""

    def archive(self, sha256: str) -> Archive:
        """Where a file's bytes are kept."""
        return open_archive(
            self.wh.archive,
            source=self.source.name,
            property_key=self.prop.key,
            scope=loads.file_scope(sha256),
        )

    def opener(self, file: KeptFile) -> Callable[[], BinaryIO]:
        """What opens the kept bytes of a file."""
        return lambda: self.archive(file.sha256).open_file(KEY)


@dataclass(frozen=True, kw_only=True)
class Way:
    """How the files of a source are read. What refuses a file raises ExportError or LogError.

    `collect` brings what is new in the folder into the archive, and notes what lies there. `again` lists kept files
    that would be read otherwise now. `understand` finds the parts of a kept file, `rows` are those of a part, `facts`
    what a load notes of days beside them, `notes` what is said of a part.
    """

    collect: Callable[[Run], None]
    again: Callable[[Run], list[KeptFile]]
    understand: Callable[[Run, KeptFile], Iterable[Part]]
    rows: Callable[[Run, KeptFile, Part], Iterable[Row]]
    facts: Callable[[Run, KeptFile, Part], Mapping[date, Facts]]
    notes: Callable[[Run, KeptFile, Part], Iterable[str]]
