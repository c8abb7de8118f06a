"""Whatever follows from the Source specs and the metrics and is kept as a file: what dbt is told, settings, their docs.

Of files that people write too, only the lines between `declared: <what>` and `declared: end` are written.

`python -m seo_warehouse.steps.declared` writes them; `--check` only says which are stale.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click
import yaml
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import Source
from seo_warehouse.steps.dbt_sources import dbt_files
from seo_warehouse.steps.metrics import documented, read_metrics, rendered_macro

LINE = 120
Region = Callable[[tuple[Source, ...]], Iterator[str]]
"""What makes the lines of a region, of the sources."""
_REGION = re.compile(
    r"^(?P<begin>.*\bdeclared: (?P<what>\w+).*\n)(?P<text>(?:.*\n)*?)(?P<end>.*\bdeclared: end\b)", re.MULTILINE
)


def stale_files(root: Path, sources: Iterable[Source] = SOURCES) -> dict[Path, str]:
    """The files that are missing or differ from the specs, with the text they should have."""
    sources = tuple(sources)
    metrics = read_metrics(root)
    wanted = dbt_files(root / "dbt_project", sources)
    wanted[root / "dbt_project" / "macros" / "metrics.sql"] = rendered_macro(metrics)
    for name in (
        "docs/properties.md",
        "docs/metrics.md",
        "properties.example.yml",
        ".env.example",
        "docker-compose.yml",
    ):
        regions = REGIONS | {"metrics": lambda sources: documented(metrics)}
        wanted[root / name] = _filled((root / name).read_text("utf-8"), sources, regions)
    return {path: text for path, text in wanted.items() if not path.exists() or path.read_text("utf-8") != text}


def _filled(text: str, sources: tuple[Source, ...], regions: Mapping[str, Region]) -> str:
    """A text with each of its regions made anew."""

    def fill(region: re.Match[str]) -> str:
        lines = "".join(f"{line}\n" for line in regions[region["what"]](sources))
        return f"{region['begin']}{lines}{region['end']}"

    return _REGION.sub(fill, text)


def _rows_of_settings(sources: tuple[Source, ...]) -> Iterator[str]:
    """docs/properties.md: a table of every setting of every source."""
    yield from ("", "| setting | default | meaning |", "|---|---|---|")
    for source in sources:
        place = source.name if source.is_shared else f"properties[].sources.{source.name}"
        suffices = "" if source.example() else " `{}` suffices."
        yield f"| `{place}` | none | {source.description} Absent: not read.{suffices} |"
        yield from _rows_of_fields(place, source.settings)
    yield ""


def _rows_of_fields(place: str, settings: type[BaseModel]) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        if inner := _inner(field):
            yield from _rows_of_fields(f"{place}.{name}", inner)
        else:
            yield f"| `{place}.{name}` | {_default(field)} | {field.description} |"


def _inner(field: FieldInfo) -> type[BaseModel] | None:
    """The settings that a setting consists of."""
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    # As YAML spells it.
    value = str(value).lower() if isinstance(value, bool) else value
    return f"`{value}`" if value not in ((), {}, None) else "none" if value is None else "empty"


def _rows_of_connections(sources: tuple[Source, ...]) -> Iterator[str]:
    """docs/properties.md: the variables that hold credentials."""
    yield from ("", "| variable | default | meaning |", "|---|---|---|")
    for name, of in _connections(sources).items():
        readers = ", ".join(f"`{source.name}`" for source in of)
        yield f"| `{_variable(name)}` | none | Connection `{name}`, as JSON; of {readers}. |"
    yield ""


def _example(sources: tuple[Source, ...], indent: str) -> Iterator[str]:
    for source in sources:
        fields = source.settings.model_fields
        yield from _commented(f"{indent}{source.name}:{'' if fields else ' {}'}", source.description)
        yield from _example_of_fields(source.settings, f"{indent}  ")


def _example_of_fields(settings: type[BaseModel], indent: str) -> Iterator[str]:
    for name, field in settings.model_fields.items():
        if inner := _inner(field):
            yield from _commented(f"{indent}{name}:", field.description or "")
            yield from _example_of_fields(inner, f"{indent}  ")
            continue
        value = (
            field.examples[0]
            if field.is_required() and field.examples
            else field.get_default(call_default_factory=True)
        )
        more = f" For example {_written(field.examples[0])}." if field.examples and not field.is_required() else ""
        yield from _commented(f"{indent}{name}: {_written(value)}", field.description or "", more)


def _commented(line: str, comment: str, more: str = "") -> Iterator[str]:
    """A line with the first sentence of a comment, which stands above where there is no room."""
    first = comment.split(". ")[0].removesuffix(".") + "." + more
    if len(line) + len(first) + 4 <= LINE:
        yield f"{line}  # {first}"
    else:
        yield f"{line[: len(line) - len(line.lstrip())]}# {first}"
        yield line


def _written(value: Any) -> str:
    """A value as YAML, in one line."""
    value = list(value) if isinstance(value, tuple) else value
    return yaml.safe_dump(value, default_flow_style=True, width=1_000).removesuffix("...\n").strip()


def _retention(sources: tuple[Source, ...]) -> Iterator[str]:
    months = {source.name: 36 for source in sources if any(table.is_droppable for table in source.tables)}
    yield f"#   raw_months: {_written(months)}"


def _connections(sources: Iterable[Source]) -> dict[str, list[Source]]:
    """The sources by the connection that they have in common."""
    found: dict[str, list[Source]] = {}
    for source in sources:
        if source.connection is not None:
            found.setdefault(source.connection, []).append(source)
    return dict(sorted(found.items()))


def _variable(connection: str) -> str:
    return f"AIRFLOW_CONN_{connection.upper()}"


def _credentials(sources: tuple[Source, ...]) -> Iterator[str]:
    """.env.example: connections with harmless values."""
    for name, (source, *_) in _connections(sources).items():
        if source.access is not None:
            stated = {"conn_type": "http", "host": source.access.host, **source.access.example}
            yield f"{_variable(name)}='{json.dumps(stated)}'"


def _handed_on(sources: tuple[Source, ...]) -> Iterator[str]:
    """docker-compose.yml: the variables that tasks are given."""
    for name in _connections(sources):
        yield f"  {_variable(name)}: ${{{_variable(name)}:-}}"


REGIONS: dict[str, Region] = {
    "settings": _rows_of_settings,
    "connections": _rows_of_connections,
    "sources": lambda sources: _example(tuple(s for s in sources if not s.is_shared), " " * 6),
    "shared": lambda sources: _example(tuple(s for s in sources if s.is_shared), ""),
    "retention": _retention,
    "credentials": _credentials,
    "environment": _handed_on,
}


@click.command()
@click.option("--root", type=click.Path(path_type=Path), default=Path(), help="The repository.")
@click.option("--check", is_flag=True, help="Write nothing; fail when a file is stale.")
def main(root: Path, check: bool) -> None:
    """Write whatever follows from the specs of the sources."""
    stale = stale_files(root)
    for path, text in stale.items():
        click.echo(f"{'stale' if check else 'written'}: {path}")
        if not check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if check and stale:
        raise click.ClickException("run python -m seo_warehouse.steps.declared")


if __name__ == "__main__":
    main()
