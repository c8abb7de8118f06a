"""Settings: what is refused, what is documented."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from seo_warehouse.config import Properties, Settings, load_properties
from seo_warehouse.errors import ConfigError
from seo_warehouse.property import Panel
from seo_warehouse.sources import SOURCES
from seo_warehouse.sources.google_updates import GOOGLE_UPDATES
from seo_warehouse.sources.site_crawl import SITE_CRAWL
from seo_warehouse.steps.build import fingerprint
from seo_warehouse.steps.warehouse import open_warehouse

ROOT = Path(__file__).parents[1]
SMALLEST = {"key": 1, "name": "shop", "domain": "example.com", "history_start": "2026-05-01"}


def load(folder: Path, document: object) -> Properties:
    path = folder / "properties.yml"
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document), encoding="utf-8")
    return load_properties(path)


def test_the_smallest_property_has_working_defaults(tmp_path: Path) -> None:
    properties = load(tmp_path, {"properties": [SMALLEST]})
    shop = properties.named("shop")
    assert shop.panel.depth == 100
    assert not any(properties.with_source(source) for source in SOURCES)


def test_the_depth_of_a_panel_may_change_from_a_day_on_and_then_everything_is_made_anew(tmp_path: Path) -> None:
    def modelled_with(depth: Any) -> str:
        load(tmp_path, {"properties": [SMALLEST | {"panel": {"depth": depth}}]})
        return fingerprint(open_warehouse(Settings({"SEO_WAREHOUSE_HOME": str(tmp_path)})))

    depth = [{"from": "2026-01-01", "depth": 100}, {"from": "2026-04-10", "depth": 10}]
    later = [depth[0], {"from": "2026-04-11", "depth": 10}]
    assert len({modelled_with(10), modelled_with(depth), modelled_with(later)}) == 3
    panel = load(tmp_path, {"properties": [SMALLEST | {"panel": {"depth": depth}}]}).named("shop").panel
    days = [date(2025, 12, 31), date(2026, 4, 9), date(2026, 4, 10), date.max]
    assert [panel.depth_on(each) for each in days] == [100, 100, 10, 10]
    assert Panel(depth=50).depth_on(date.max) == 50


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"key": 0}, r"properties\.0\.key: .*greater than or equal to 1"),
        ({"name": "My shop"}, r"properties\.0\.name: .*pattern"),
        ({"history_start": "soon"}, r"properties\.0\.history_start: .*date"),
        ({"panel": {"depth": 5}}, r"properties\.0\.panel\.depth: "),
        ({"panel": {"depth": []}}, r"properties\.0\.panel\.depth: .*at least 1"),
        (
            {"panel": {"depth": [{"from": "2026-04-10", "depth": 9}]}},
            r"properties\.0\.panel\.depth\.0\.depth: .*greater than or equal to 10$",
        ),
        (
            {"panel": {"depth": [{"from": "2026-04-10", "to": 9}]}},
            r"properties\.0\.panel\.depth\.0\.to: is no setting: there are from, depth",
        ),
        (
            {"panel": {"depth": [{"from": "2026-04-10", "depth": 100}, {"from": "2026-04-10", "depth": 10}]}},
            r"properties\.0\.panel\.depth: each entry is from a later day than the one before it$",
        ),
        ({"panel": {"engine": "altavista"}}, r"properties\.0\.panel\.engine: .*google"),
        ({"topics": [{"pattern": "(", "topic": "x"}]}, r"properties\.0\.topics\.0\.pattern: "),
        ({"keywords": [{"keyword": "a"}, {"keyword": "a"}]}, "keywords stated twice: a"),
        ({"sources": {"search_console": {}}}, r"sources\.search_console\.site: Field required"),
        ({"sources": {"site_crawl": {"start_urls": []}}}, r"sources\.site_crawl\.start_urls: "),
        ({"sources": {"bingo": {}}}, r"sources\.bingo: is no setting: there are site_crawl, dataforseo_serp"),
        ({"sources": {"serch_console": {}}}, r"sources\.serch_console: is no setting: did you mean search_console\?$"),
        (
            {"sources": {"site_crawl": {"start_urls": ["http://a.example/"], "max_page": 3}}},
            r"sources\.site_crawl\.max_page: is no setting: did you mean max_pages\?$",
        ),
        (
            {"sources": {"exports": {"backlinks": {"whole_since": "May"}}}},
            r"sources\.exports\.backlinks\.whole_since: .*date",
        ),
        (
            {"sources": {"exports": {"backlinks": {"cadence_days": 0}}}},
            r"sources\.exports\.backlinks\.cadence_days: .*greater than or equal to 1",
        ),
        (
            {"sources": {"exports": {"backlinks": {"whole_sinse": "2026-05-01"}}}},
            r"sources\.exports\.backlinks\.whole_sinse: is no setting: did you mean whole_since\?$",
        ),
        ({"domian": "example.com"}, r"properties\.0\.domian: is no setting: did you mean domain\?$"),
        (
            {"sources": {"google_updates": {}}},
            r"sources\.google_updates: is no setting of one property: it stands at the top of the file$",
        ),
    ],
)
def test_a_wrong_setting_is_named(tmp_path: Path, change: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigError, match=sentence) as caught:
        load(tmp_path, {"properties": [{**SMALLEST, **change}]})
    assert str(tmp_path / "properties.yml") in str(caught.value)


@pytest.mark.parametrize("document", ["", "[]", "properties: []", "properties: [", "\ttab: 1"])
def test_a_file_that_is_no_settings_is_refused_in_one_sentence(tmp_path: Path, document: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(str(tmp_path / "properties.yml"))):
        load(tmp_path, document)


def test_a_missing_file_points_to_the_example(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"properties\.example\.yml"):
        load_properties(tmp_path / "properties.yml")


@pytest.mark.parametrize("field", ["key", "name"])
def test_two_properties_share_nothing_that_identifies_them(tmp_path: Path, field: str) -> None:
    other = {**SMALLEST, "key": 2, "name": "blog", field: SMALLEST[field]}
    with pytest.raises(ConfigError, match=f"share a {field}"):
        load(tmp_path, {"properties": [SMALLEST, other]})


def test_an_unknown_name_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no property 'blog'; there are: shop"):
        load(tmp_path, {"properties": [SMALLEST]}).named("blog")


def test_what_concerns_all_properties_is_read_as_one_of_its_own(tmp_path: Path) -> None:
    properties = load(tmp_path, {"properties": [SMALLEST], "google_updates": {}})
    assert [(p.key, p.name) for p in properties.with_source(GOOGLE_UPDATES)] == [(0, "all")]
    stated = properties.named("all").settings_of(GOOGLE_UPDATES)
    assert stated.base_url == "https://status.search.google.com"
    assert properties.with_source(SITE_CRAWL) == ()
    assert load(tmp_path, {"properties": [SMALLEST]}).with_source(GOOGLE_UPDATES) == ()
    with pytest.raises(ConfigError, match="may be called 'all'"):
        load(tmp_path, {"properties": [{**SMALLEST, "name": "all"}]})


def test_a_source_that_is_not_configured_is_named(tmp_path: Path) -> None:
    shop = load(tmp_path, {"properties": [SMALLEST]}).named("shop")
    for source in SOURCES:
        with pytest.raises(ConfigError, match=f"^{source.name} is not configured for shop$"):
            shop.settings_of(source)


def test_settings_stand_in_the_environment_or_under_home(tmp_path: Path) -> None:
    plain = Settings({"SEO_WAREHOUSE_HOME": str(tmp_path)})
    assert plain.properties_path == tmp_path.resolve() / "properties.yml"
    assert plain.archive == f"file://{tmp_path.resolve()}/archive"
    assert plain.owner_dsn is None
    stated = Settings({"SEO_WAREHOUSE_DSN": "postgresql://a@b/c", "SEO_WAREHOUSE_ARCHIVE": "s3://bucket/archive"})
    assert (stated.owner_dsn, stated.archive) == ("postgresql://a@b/c", "s3://bucket/archive")
    assert stated.home == Path(".seo-warehouse").resolve()


def test_the_example_is_valid_and_shows_every_setting() -> None:
    path = ROOT / "properties.example.yml"
    load_properties(path)
    shown = set(re.findall(r"^[# -]*(\w+):", path.read_text(encoding="utf-8"), re.MULTILINE))
    assert {setting.rpartition(".")[2] for setting, _ in _settings()} <= shown


def test_the_documentation_names_every_setting_with_its_default() -> None:
    assert dict(_documented("properties.yml")) == dict(_settings())


def test_the_documentation_and_the_example_name_every_variable() -> None:
    asked: set[str] = set()

    class Asked(dict[str, str]):
        def get(self, name: str, default: Any = None) -> Any:
            asked.add(name)
            return default

    Settings(Asked())
    asked |= {f"SEO_WAREHOUSE_{component}_PORT" for component in ("AIRFLOW", "POSTGRES", "DEMO")}
    documented = {name for name, _ in _documented("Environment")}
    example = shlex.split((ROOT / ".env.example").read_text(encoding="utf-8"), comments=True)
    assert documented | _of_compose() == {variable.partition("=")[0] for variable in example}
    connections = {name for name in documented if name.startswith("AIRFLOW_CONN_")}
    assert documented - connections == asked
    defaults = {f"AIRFLOW_CONN_{default.upper()}" for name, default in _settings() if name.endswith(".connection")}
    assert connections == defaults
    for variable in example:
        name, _, value = variable.partition("=")
        assert name not in connections or json.loads(value)["host"].startswith("https://")


def test_the_example_of_the_environment_does_not_point_at_the_demos_home() -> None:
    example = shlex.split((ROOT / ".env.example").read_text(encoding="utf-8"), comments=True)
    (home,) = (line.partition("=")[2] for line in example if line.startswith("SEO_WAREHOUSE_HOME="))
    assert Settings({"SEO_WAREHOUSE_HOME": home}).home != Settings({}).home


def test_no_variable_is_read_that_is_not_documented() -> None:
    named = {
        name
        for path in (ROOT / "plugins").rglob("*.py")
        for name in re.findall(r"\bSEO_WAREHOUSE_[A-Z_]*[A-Z]\b", path.read_text(encoding="utf-8"))
    }
    assert named
    assert named <= {name for name, _ in _documented("Environment")}


def test_the_documentation_names_every_variable_that_docker_compose_reads() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    read = set(re.findall(r"(?<!\$)\$\{(\w+)", text))
    assert read - {name for name, _ in _documented("Environment")} == _of_compose()
    for name, default in _documented("docker-compose"):
        assert f"${{{name}:?" in text if default == "required" else f"${{{name}:-{default}}}" in text, name


def _of_compose() -> set[str]:
    return {name for name, _ in _documented("docker-compose")}


def _documented(heading: str) -> Iterator[tuple[str, str]]:
    text = (ROOT / "docs/properties.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    for name, default in re.findall(r"^\| `([^`]+)` \| ([^|]+) \|", section, re.MULTILINE):
        yield name, default.replace("`", "")


def _settings(model: type[BaseModel] = Properties, prefix: str = "") -> Iterator[tuple[str, str]]:
    """Dotted name and default, as the documentation writes them, of every setting."""
    for name, field in model.model_fields.items():
        inner = [kind for kind in _kinds(field.annotation) if isinstance(kind, type) and issubclass(kind, BaseModel)]
        is_list = "tuple" in str(field.annotation)
        place = f"{prefix}{field.alias or name}"
        if not inner or field.is_required() or isinstance(field.default, int | None):
            yield place, _written(field.default_factory() if field.default_factory else field.default)  # type: ignore[call-arg]
        for kind in inner:
            yield from _settings(kind, f"{place}[]." if is_list else f"{place}.")


def _kinds(annotation: Any) -> Iterator[Any]:
    yield annotation
    for part in get_args(annotation):
        yield from _kinds(part)


def _written(default: Any) -> str:
    if default is PydanticUndefined:
        return "required"
    if default is None:
        return "none"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, tuple | dict):
        return ", ".join(default) or "empty"
    return str(default)
