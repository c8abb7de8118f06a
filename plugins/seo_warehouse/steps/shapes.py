"""The shapes of providers' answers, as a person looks at them and takes them for usual."""

from __future__ import annotations

from collections.abc import Callable

from seo_warehouse.errors import ConfigError
from seo_warehouse.ledger import shapes
from seo_warehouse.sources import SOURCES
from seo_warehouse.steps.warehouse import Warehouse
from seo_warehouse.terminal import say_table


def say_changes(wh: Warehouse, source: str | None, say: Callable[[str], None]) -> None:
    """Each field that is otherwise than usual, of one source or of all. Raises ConfigError for an unknown source."""
    if source is not None:
        _expect_known(source)
    with wh.connect("loader", autocommit=True) as connection:
        found = shapes.read_changes(connection, source)
    rows = [(each.source, each.endpoint, "yes" if each.is_told else "no", str(each)) for each in found]
    if rows:
        say_table(("source", "endpoint", "told", "what"), rows, say)
    else:
        say("answers have the fields that are usual")


def accept(wh: Warehouse, source: str, *, who: str, why: str, say: Callable[[str], None]) -> None:
    """Take what a source's answers have now for usual. Raises ConfigError for an unknown source."""
    _expect_known(source)
    with wh.connect("loader", autocommit=True) as connection:
        count = len(shapes.read_changes(connection, source))
        shapes.accept(connection, source, who=who, why=why)
    say(f"{source}: {count} changes are usual from now on")


def _expect_known(source: str) -> None:
    if source not in {each.name for each in SOURCES}:
        raise ConfigError(f"there is no source {source!r}; there are {', '.join(each.name for each in SOURCES)}")
