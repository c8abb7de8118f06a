"""A build: freeze what it reads, run dbt on it, keep what became of each node.

`dbt build` runs again on the same frozen set after a failure or a kill; `dbt retry` is not used, since after a kill it
finds an older run's results and ends green with models unbuilt.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import threading
from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from seo_warehouse.errors import BuildError
from seo_warehouse.ledger import builds, outcomes, pool
from seo_warehouse.ledger.aside import hide_days
from seo_warehouse.spec import Kind
from seo_warehouse.steps import standing
from seo_warehouse.steps.apart import BuildSummary, build_apart
from seo_warehouse.steps.dbt_commands import BUILDING, common, end_sessions_of_dead_builds, environment, invoke, parse
from seo_warehouse.steps.estimates import ESTIMATES, WRITTEN
from seo_warehouse.steps.warehouse import Warehouse

log = logging.getLogger(__name__)
MODELLED = "modelled_with"
MADE_OF = "made_of"
"""The setting with a finished build and sums of what it read; empty where the next one is to make everything."""
MADE_FROM = {
    "modelled_event": "int_link__judge_events",
    "modelled_change": "int_link__place_changes",
    "modelled_horizon": "int_effect__list_horizons",
    "modelled_life": "int_referral__list_lives",
    "modelled_level": "int_effect__describe_events",
    "modelled_page_version": "int_page__version_pages",
    "modelled_series": "int_link__date_series",
    "modelled_update": "int_effect__list_updates",
}
"""Tables of `ops` in which the next build finds what this one was made from, and the models they are copied from."""
STALE_TABLES = "stale_tables"
AFTER = "after_estimates"
AFTER_ESTIMATES = f"tag:{AFTER}"
"""Models of what the estimates say, which the other models only prepare."""
STANDING_VIEWS = ("models/staging", "models/intermediate/kinds")
STANDING = (*(f"path:{folder}" for folder in STANDING_VIEWS), "resource_type:seed")
"""What follows from the project's files alone and reads no table that a build swaps: made once for each fingerprint."""
HEARD = ("NodeFinished",)
"""Events below a warning that a build listens to."""
LEFT = "left"
"""The tag of nodes that a build leaves as they are."""
KEPT_TARGETS = 30
"""Folders of compiled SQL and logs that are kept, one for each attempt at a build."""


def build_warehouse(wh: Warehouse, *, full: bool = False) -> BuildSummary:
    """Model every published day that no finished build has claimed; who cannot be modelled is set aside (apart.py).

    `full` rebuilds everything; so does a change of properties.yml or of the dbt project since the last build. Raises
    BuildError naming the nodes that failed where no property's days are to blame.
    """
    wh.sync_properties()
    project = fingerprint(wh)
    with wh.connect("loader", autocommit=True) as connection, builds.warehouse_lock(connection):
        end_sessions_of_dead_builds(wh)
        return build_apart(connection, partial(_build_once, wh, connection, project), full=full)


def _build_once(
    wh: Warehouse,
    connection: psycopg.Connection[Any],
    project: str,
    left_out: Collection[int],
    *,
    emptied: Collection[int] = (),
    full: bool = False,
    even_empty: bool = False,
) -> BuildSummary:
    modelled_with = _modelled_with(connection)
    is_full = full or modelled_with not in (None, project)
    build = builds.claim_build(connection, is_full, left_out=left_out, emptied=emptied, even_empty=even_empty)
    if build is None:
        log.info("nothing to build: every published day is modelled")
        return BuildSummary(None)
    log.info("build %s, attempt %s: %s days claimed", build.build_id, build.attempt, build.day_count)
    pool.begin_pool(connection)
    with wh.connect("owner", autocommit=True) as owner:
        hide_days(owner, build.build_id)
        builds.analyze_claimed(owner, build.build_id)
    try:
        with environment(wh, BUILDING):
            manifest = parse(wh, wh.settings.home / "dbt" / "parsed")
        is_standing = not build.is_full and modelled_with == project and _views_stand(connection, manifest)
        unmade = STANDING if is_standing else ()
        hidden = sorted({*left_out, *emptied})
        sums = standing.sums(connection)
        reached = _reached(connection, build, manifest, sums) if is_standing and not hidden else None
        if reached is not None:
            manifest, unmade = _marked(manifest, reached), (f"tag:{LEFT}",)
        variables = {"build_id": build.build_id, "left_out": hidden, "is_standing": is_standing}
        run = partial(_run_dbt, wh, connection, build, variables, manifest)
        nodes = run(["--exclude", AFTER_ESTIMATES, *unmade])
        # A build that dies here leaves its claim open: the next one takes it up.
        for estimate in ESTIMATES:
            if reached is None or not reached.isdisjoint(estimate.tables):
                estimate.make(wh)
        if reached is None or any(_is_after_estimates(manifest, name) for name in reached):
            nodes += run(["--select", AFTER_ESTIMATES, *(["--exclude", *unmade] if unmade else [])])
    except BuildError as error:
        builds.fail_build(connection, build.build_id, str(error))
        raise
    made_of = {} if hidden else {"build": build.build_id, "sums": sums}
    builds.finish_build(connection, build.build_id, MADE_FROM, {MADE_OF: made_of, MODELLED: project})
    pool.end_pool(connection)
    return BuildSummary(build.build_id, build.day_count, nodes, build.is_full, tuple(build.missing_sources))


def _reached(
    connection: psycopg.Connection[Any], build: builds.Build, manifest: Any, sums: Mapping[str, str]
) -> set[str] | None:
    """What may be another than the last finished build left it; None where everything is to be made."""
    before = _setting(connection, MADE_OF)
    if not before or not builds.is_right_after(connection, build, before["build"]):
        return None
    if not standing.are_there(connection, manifest.nodes.values()):
        return None
    changed = standing.changed_tables(connection, build.build_id, before["sums"], sums)
    if standing.CODE in changed:
        return None
    return standing.Graph(manifest, WRITTEN).reached(changed, standing.told_tables(connection))


def _marked(manifest: Any, reached: Collection[str]) -> Any:
    """A copy of a manifest in which the nodes that are left as they are carry the tag LEFT."""
    nodes = dict(manifest.nodes)
    for name, node in manifest.nodes.items():
        if name not in reached or _stands(node):
            nodes[name] = copy(node)
            nodes[name].tags = [*node.tags, LEFT]
    return replace(manifest, nodes=nodes)


def _stands(node: Any) -> bool:
    """As STANDING has it; dbt compares a path with that of each node."""
    is_view = node.resource_type == "model" and node.original_file_path.startswith(STANDING_VIEWS)
    return bool(is_view or node.resource_type == "seed")


def _is_after_estimates(manifest: Any, name: str) -> bool:
    node = manifest.nodes.get(name)
    return node is not None and AFTER in node.tags and not _stands(node)


def is_modelled_otherwise(wh: Warehouse) -> bool:
    """Whether the last build was made with other models or properties, so that the next one makes everything anew."""
    with wh.connect("loader", autocommit=True) as connection:
        return _modelled_with(connection) not in (None, fingerprint(wh))


def note_other_project(wh: Warehouse) -> None:
    """Have the next build make everything anew, unless the models and properties are those of the last one."""
    with wh.connect("loader", autocommit=True) as connection:
        is_other = _modelled_with(connection) != fingerprint(wh)
    if is_other:
        make_anew(wh)


def make_all(wh: Warehouse) -> None:
    """Have the next build make all nodes, of the days that it claims."""
    with wh.connect("loader", autocommit=True) as connection:
        _set(connection, MADE_OF, {})


def make_anew(wh: Warehouse) -> None:
    """Have the next build make everything anew."""
    with wh.connect("loader", autocommit=True) as connection:
        _set(connection, MODELLED, "another project")


def forget_old_targets(wh: Warehouse) -> None:
    """Remove the folders of all but the newest builds."""
    targets = sorted((wh.settings.home / "dbt").glob("build-*"), key=lambda path: path.stat().st_mtime)
    for target in targets[:-KEPT_TARGETS]:
        shutil.rmtree(target)


def generate_docs(wh: Warehouse) -> Path:
    """Write dbt's documentation site. Returns the folder that holds its index.html. Raises BuildError."""
    target = wh.settings.home / "dbt" / "docs"
    with environment(wh, "seo_warehouse_docs"):
        result = invoke(["docs", "generate", "--static", "--quiet", *common(wh, target)])
    if not result.success:
        raise BuildError(f"dbt docs generate failed: {result.exception or 'see the log'}")
    return target


def note_stale_tables(wh: Warehouse) -> list[str]:
    """A sentence for each table that nights bring and that dbt's freshness check finds older than it may be.

    Each is a warning in the log, and all are kept in `ops.setting` for `status`. Files come when they come, so tables
    of dropped files are left out. Raises BuildError where dbt cannot tell.
    """
    with environment(wh, "seo_warehouse_freshness"):
        done = invoke(["source", "freshness", "--quiet", *common(wh, wh.settings.home / "dbt" / "freshness")])
    if done.exception is not None or done.result is None:
        raise BuildError(f"dbt source freshness failed: {done.exception or 'see the log'}")
    nightly = {source.name for source in wh.sources if source.kind is not Kind.DROP}
    stale = sorted(
        f"{result.node.source_name}.{result.node.name}: last published {_published(result)}"
        for result in done.result.results
        if result.node.source_name in nightly and str(result.status) != "pass"
    )
    for sentence in stale:
        log.warning("stale: %s", sentence)
    with wh.connect("loader", autocommit=True) as connection:
        _set(connection, STALE_TABLES, {"checked_at": f"{wh.now():%Y-%m-%d %H:%M} UTC", "tables": stale})
    return stale


def _published(result: Any) -> str:
    at = getattr(result, "max_loaded_at", None)
    # dbt gives the year 1 for a table in which nothing ever was.
    return "never" if at is None or at.year == 1 else f"{at:%Y-%m-%d %H:%M} UTC"


def fingerprint(wh: Warehouse) -> str:
    """What every modelled row depends on beside the published days: the properties as stated, and the models."""
    own = ("key", "domain", "history_start", "panel", "topics", "brand", "trusted", "keywords")
    names: dict[str, Any] = dict.fromkeys(own, True)
    stated = {"properties": {"__all__": {**names, "sources": {"exports": {"backlinks"}}}}}
    digest = hashlib.sha256(wh.properties.model_dump_json(include=stated).encode())
    digest.update((wh.settings.dbt_project / "dbt_project.yml").read_bytes())
    for folder in ("models", "macros", "seeds"):
        for path in sorted((wh.settings.dbt_project / folder).rglob("*")):
            if path.is_file():
                digest.update(path.read_bytes())
    return digest.hexdigest()


def _modelled_with(connection: psycopg.Connection[Any]) -> str | None:
    """The fingerprint that the last finished build left; None before the first."""
    known: str | None = _setting(connection, MODELLED)
    return known


def _setting(connection: psycopg.Connection[Any], name: str) -> Any:
    known = connection.execute("select value from ops.setting where name = %s", (name,)).fetchone()
    return known[0] if known else None


def _set(connection: psycopg.Connection[Any], name: str, value: Any) -> None:
    connection.execute(
        "insert into ops.setting values (%s, %s) on conflict (name) do update set value = excluded.value",
        (name, Jsonb(value)),
    )


def _rows_written(result: Any) -> int | None:
    """Rows of a model's own statement as PostgreSQL counts them; of a view -1, which says nothing."""
    rows = dict(result.adapter_response).get("rows_affected", -1)
    return int(rows) if rows >= 0 else None


def model_outcomes(wh: Warehouse, build_id: int) -> dict[str, dict[str, Any]]:
    """What became of each model in a build (outcomes.read_models)."""
    with wh.connect("loader") as connection:
        return outcomes.read_models(connection, build_id)


def _views_stand(connection: psycopg.Connection[Any], manifest: Any) -> bool:
    """Whether every view of those is there: a person, or a column that changed its type, may have dropped one."""
    wanted = {
        (node.schema, node.name) for node in manifest.nodes.values() if node.resource_type == "model" and _stands(node)
    }
    return wanted <= set(connection.execute("select schemaname, viewname from pg_views").fetchall())


def _run_dbt(
    wh: Warehouse,
    connection: psycopg.Connection[Any],
    build: builds.Build,
    variables: dict[str, Any],
    manifest: Any,
    selection: list[str],
) -> int:
    """Run `dbt build` on a selection, noting each node as it ends. Returns their number. Raises BuildError."""
    guard = threading.Lock()
    failed: list[str] = []
    count = 0

    def on_event(event: Any) -> None:
        nonlocal count
        if event.info.name not in HEARD:
            return
        node, result = event.data.node_info.unique_id, event.data.run_result
        with guard:
            count += 1
            log.info("%s %s %.2f s %s", node, result.status, result.execution_time, result.message)
            if result.status in ("error", "fail", "skipped"):
                failed.append(f"{node}: {result.status}: {' '.join(result.message.split())[:300]}")
            connection.execute(
                """
                insert into ops.dbt_node_result (build_id, attempt, unique_id, status, seconds, message, row_count)
                values (%s, %s, %s, %s, %s, %s, %s) on conflict (build_id, attempt, unique_id) do nothing
                """,
                (
                    *(build.build_id, build.attempt, node, result.status, result.execution_time, result.message),
                    _rows_written(result),
                ),
            )

    target = wh.settings.home / "dbt" / f"build-{build.build_id}-{build.attempt}"
    # Unit tests speak of the code, not of the night: the project's own tests run them.
    arguments = [
        "build",
        *selection,
        "--exclude-resource-type",
        "unit_test",
        "--quiet",
        # The manifest, each node's result and the graph, a second's work of which the ledger keeps what anybody reads.
        "--no-write-json",
        # Nor each statement and node: what was run of a model stands in a file of its own, what became of it in ours.
        "--log-level-file",
        "warn",
        *common(wh, target),
        *(["--full-refresh"] if build.is_full else []),
    ]
    with environment(wh, BUILDING):
        result = invoke([*arguments, "--vars", json.dumps(variables)], [on_event], manifest, heard=HEARD)
    if not result.success:
        reason = "; ".join(failed[:5]) or str(result.exception)
        raise BuildError(f"build {build.build_id}: {len(failed)} nodes did not pass: {reason}")
    return count
