"""Disavowing: what a person decides is kept, and the file for Google is written from that and nothing else."""

from __future__ import annotations

from collections.abc import Sequence

from seo_warehouse.config import SHARED_KEY, Property
from seo_warehouse.errors import ConfigError
from seo_warehouse.exports import disavow
from seo_warehouse.exports.values import CellError
from seo_warehouse.ledger import disavowals
from seo_warehouse.steps.warehouse import Warehouse


def decide(
    wh: Warehouse,
    property_name: str,
    lines: Sequence[str],
    *,
    is_disavowed: bool,
    who: str,
    why: str,
    evidence: str | None = None,
) -> str:
    """Keep a person's decision that `domain:HOST` or URLs be disavowed, or no longer. Returns what became of it.

    Raises ConfigError, and keeps nothing, where one of them cannot be disavowed, or is not and shall no longer be.
    """
    prop = _property(wh, property_name)
    entries = _parse(lines)
    for words in (why, evidence):
        if words is not None and not (words.strip() and words.isprintable()):
            raise ConfigError("say why in one line of plain words: it is kept, and stands in the file")
    with wh.connect("owner", autocommit=True) as connection, connection.transaction():
        # Of two at once the second sees what the first decided.
        connection.execute("lock table ops.disavow_decision in share row exclusive mode")
        absent = entries.keys() - disavowals.read_standing(connection, prop.key).keys()
        if absent and not is_disavowed:
            raise ConfigError(f"{prop.name} does not disavow {', '.join(sorted(absent))}")
        disavowals.decide(
            connection, prop.key, entries, is_disavowed=is_disavowed, who=who, why=why.strip(), evidence=evidence
        )
        count = len(disavowals.read_standing(connection, prop.key))
    done = "disavowed" if is_disavowed else "no longer disavowed"
    return f"{', '.join(entries)}: {done}; the file of {prop.name} has {count:,} entries now"


def write_file(wh: Warehouse, property_name: str) -> bytes:
    """The disavow file of a property: what people have decided, and why.

    Raises ExportError where it is more than Google takes.
    """
    prop = _property(wh, property_name)
    with wh.connect("owner") as connection:
        standing = disavowals.read_standing(connection, prop.key)
    return disavow.write((disavow.parse_entry(entry), why) for entry, why in standing.items())


def _parse(lines: Sequence[str]) -> dict[str, None]:
    """The entries as a file has them, each once."""
    entries: dict[str, None] = {}
    for line in lines:
        try:
            entries[str(disavow.parse_entry(line.strip()))] = None
        except CellError as error:
            raise ConfigError(f"what is to be disavowed {error}") from None
    return entries


def _property(wh: Warehouse, name: str) -> Property:
    prop = wh.properties.named(name)
    if prop.key == SHARED_KEY:
        raise ConfigError(f"{name} is no site: Google takes a disavow file of each")
    return prop
