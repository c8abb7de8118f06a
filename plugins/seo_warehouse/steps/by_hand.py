"""dbt's own commands, as people type them, beside a warehouse that nights build.

What is built by hand is built of what the last build read, and with its number, while nothing else is published or
built. So every model is remade from the rows that it was made of, and the next build finds the tables as it left them.
Where the models' files are not those of the last build, the next one rebuilds everything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from itertools import takewhile
from typing import Any

from seo_warehouse.errors import BuildError
from seo_warehouse.ledger import builds
from seo_warehouse.steps.build import make_all, note_other_project
from seo_warehouse.steps.dbt_commands import (
    BUILDING,
    common,
    end_sessions_of_dead_builds,
    environment,
    invoke,
    parse,
)
from seo_warehouse.steps.warehouse import Warehouse

READING = "seo_warehouse_dbt"
WRITING = {"build", "clone", "retry", "run", "run-operation", "seed", "snapshot", "--store-failures"}
"""Words by which dbt changes tables; one that is meant otherwise costs a lock and nothing else."""
HANDS_WAIT = timedelta(minutes=1)
"""How long a person waits for a build or a publication to end, before being told to try later."""


def run_by_hand(wh: Warehouse, arguments: Sequence[str], say: Callable[[str], None]) -> bool:
    """Run a command of dbt's as typed; whether it succeeded.

    The models see the number of the last build, unless `--vars` says otherwise. What writes holds the warehouse, and is
    refused while published days wait for a build. Raises BuildError, TransientLoadError.
    """
    if not arguments or arguments[0] in ("-h", "--help", "--version"):
        return _told(invoke(arguments), say)
    if arguments[0].startswith("-"):
        raise BuildError(f"{arguments[0]}: dbt's command comes first, its options after it")
    is_writing = not WRITING.isdisjoint(arguments)
    target = wh.settings.home / "dbt" / "by-hand"
    with environment(wh, READING):
        # Under one name: where a setting is another one than before, dbt reads everything again.
        manifest = parse(wh, target)
    with _held(wh) if is_writing else nullcontext(), environment(wh, BUILDING if is_writing else READING):
        build_id = _modelled(wh, is_writing=is_writing)
        ours = [*common(wh, target), "--vars", f"{{build_id: {build_id}}}"]
        if is_writing:
            note_other_project(wh)
            make_all(wh)
        try:
            # Before what was typed: of an option that is given twice dbt takes the latter.
            words = list(takewhile(lambda word: not word.startswith("-"), arguments))
            return _told(invoke([*words, *ours, *arguments[len(words) :]], manifest=manifest), say)
        finally:
            if is_writing:
                _mend_views(wh, manifest, ours)


@contextmanager
def _held(wh: Warehouse) -> Iterator[None]:
    with wh.connect("loader", autocommit=True) as connection, builds.warehouse_lock(connection, HANDS_WAIT):
        end_sessions_of_dead_builds(wh)
        yield


def _modelled(wh: Warehouse, *, is_writing: bool) -> int:
    """The last build's number; 0 where there was none. Raises BuildError where a writer must wait for a build."""
    with wh.connect("loader", autocommit=True) as connection:
        if is_writing and (waiting := builds.count_unmodelled(connection)):
            raise BuildError(f"{waiting} published days are not modelled yet: `seo-warehouse build` first")
        return builds.last_build(connection)


def _mend_views(wh: Warehouse, manifest: Any, ours: Sequence[str]) -> None:
    """Make views again that went with a relation which they read: PostgreSQL drops them when dbt replaces it."""
    views = {
        node.name: f"{node.schema}.{node.name}"
        for node in manifest.nodes.values()
        if node.resource_type == "model" and node.config.materialized == "view"
    }
    with wh.connect("transformer") as connection:
        there = {name for (name,) in connection.execute("select schemaname || '.' || viewname from pg_views")}
    gone = sorted(name for name, place in views.items() if place not in there)
    if gone:
        made = invoke(["run", *ours, "--quiet", "--select", *gone], manifest=manifest)
        if not made.success:
            raise BuildError(f"views could not be made again: {', '.join(gone)}: `seo-warehouse build --full`")


def _told(result: Any, say: Callable[[str], None]) -> bool:
    """Whether it succeeded; dbt says itself which models did not, but not why it did not begin."""
    if result.exception is not None:
        say(f"dbt: {' '.join(str(result.exception).split())}")
    return bool(result.success)
