"""What every source has from the frame: its spec judged, its answers held to their shape and to their night."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

import seo_warehouse
from seo_warehouse.client.access import Access, Basic, Connection
from seo_warehouse.client.api import Api
from seo_warehouse.errors import ConfigError, MalformedAnswerError, NightOverError, TerminalSourceError
from seo_warehouse.property import Strict
from seo_warehouse.sources import SOURCES
from seo_warehouse.sources.fields import Shape
from seo_warehouse.spec import Column, Kind, Reading, Row, Source, Table, Type
from seo_warehouse.steps.reading import read_rows
from tests.sources.properties import DATE, NIGHT, TONIGHT, make_property
from tests.sources.provider import Provider, open_api, said

LINK = Shape(
    Column("url", Type.TEXT, "Address."),
    Column("seen_at", Type.INSTANT, "First seen."),
    names={"seen_at": "seen"},
    unused=["internal"],
    optional=["seen"],
)
GOOD = {"url": "https://a.example/", "seen": "2026-05-21T08:40:00-07:00", "internal": 7}


OWN_ROOMS = ("sources", "demo", "exports")


class Empty(Strict):
    """Nothing to state."""


class Named(Strict):
    """A connection to state."""

    connection: str = Field("made_up", description="Airflow connection.")


def read(api: Api, property: Any, period: Any) -> Iterator[Row]:
    yield from api.rows(api.get("/links", decode=LINK.under("found", "links")), period.last_day)


def read_as_it_is(api: Api, property: Any, period: Any) -> Iterator[Row]:
    reply = api.get("/links")
    for item in reply.json["found"]["links"]:
        yield {**LINK.row(item), "day": period.last_day, "observed_at": reply.observed_at}


TABLE = Table(name="link", description="Links.", read=read, shape=LINK, grain=("url",))


def make(**changes: Any) -> Source:
    stated: dict[str, Any] = {
        "name": "made_up", "description": "Made up.", "kind": Kind.SNAPSHOT, "cron": "0 1 * * *", "tables": (TABLE,),
        "settings": Empty,
    }  # fmt: skip
    return Source(**stated | changes)


def rows(provider: Provider, folder: Path, *items: Any, table: Table = TABLE) -> tuple[list[Row], dict[str, Any]]:
    provider.date = provider.date or DATE
    provider.answer = lambda asked: said({"found": {"links": list(items)}})
    source = make(tables=(table,))
    api = open_api(provider, folder, source)
    wanted = Reading(
        source=source, table=table, property=make_property(), period=TONIGHT, scope=f"night={NIGHT}", purpose="night"
    )
    return list(read_rows(api, wanted)), api.facts.get(NIGHT, {})


def test_a_row_is_taken_by_name_and_type_and_its_answers_instant_is_kept(provider: Provider, tmp_path: Path) -> None:
    [row], facts = rows(provider, tmp_path, GOOD)
    assert (row["url"], row["seen_at"].isoformat(), row["day"]) == (GOOD["url"], "2026-05-21T15:40:00+00:00", NIGHT)
    assert (row["observed_at"].date(), facts) == (NIGHT, {})


SHAPED = [(source.name, table) for source in SOURCES for table in source.tables if table.shape is not None]


@pytest.mark.parametrize(("source", "table"), SHAPED, ids=[f"{name}.{table.name}" for name, table in SHAPED])
def test_of_every_source_a_field_that_is_gone_renamed_or_retyped_is_met(source: str, table: Table) -> None:
    shape = table.shape
    assert shape is not None
    usual = dict.fromkeys(shape.known)
    assert shape.items([usual]).unknown == shape.items([usual]).missing == frozenset()
    for field in shape.known:
        without = {name: None for name in usual if name != field}
        gone, renamed = shape.items([without]), shape.items([without | {f"{field}_v2": None}])
        expected = frozenset([field]) & shape.needed
        assert (gone.unknown, gone.missing) == (frozenset(), expected), (source, field)
        assert (renamed.unknown, renamed.missing) == (frozenset([f"{field}_v2"]), expected), (source, field)
    # Neither an object nor a word is a value of any other type than these two.
    kinds = {column.name: column.type for column in shape.columns}
    for name, field in shape.fields.items():
        with pytest.raises(MalformedAnswerError, match=re.escape(field)):
            shape.items([usual | {field: "a word" if kinds[name] is Type.JSON else {"an": "object"}}])


def test_names_out_of_place_are_collected_over_all_items(provider: Provider, tmp_path: Path) -> None:
    _, facts = rows(provider, tmp_path, GOOD, {"url": "b", "mood": 1}, {"seen": None, "stars": 2})
    assert facts == {"unknown_fields": ["mood", "stars"], "missing_fields": ["url"]}


@pytest.mark.parametrize("item", [{"url": 7}, {"url": "a", "seen": "May 21"}, {"url": "a", "seen": "2026-05-21"}, "a"])
def test_a_value_of_another_type_is_a_malformed_answer(provider: Provider, tmp_path: Path, item: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        rows(provider, tmp_path, item)


def test_items_that_are_not_where_they_are_documented_are_a_malformed_answer() -> None:
    assert LINK.under("links")({"links": None}).rows == []
    for document in ({}, [], {"found": []}, None):
        with pytest.raises(MalformedAnswerError):
            LINK.under("found", "links")(document)


def test_a_column_that_is_named_like_a_type_is_taken_by_its_own_type() -> None:
    columns = (Column("date", Type.INTEGER, "A number."), Column("text", Type.JSON, "A document."))
    assert Shape(*columns).row({"date": 20261122, "text": {"a": 1}}) == {"date": 20261122, "text": {"a": 1}}


def test_a_reader_that_notes_no_shape_is_refused_at_its_first_row(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(TerminalSourceError, match=r"made_up\.link is read without Api\.note_shape"):
        rows(provider, tmp_path, GOOD, table=replace(TABLE, read=read_as_it_is))
    assert rows(provider, tmp_path / "apart", table=replace(TABLE, read=read_as_it_is)) == ([], {})


def test_a_spec_without_a_shape_or_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match=r"made_up\.link: state the `shape` of what is read, or why there is none"):
        make(tables=(replace(TABLE, shape=None),))
    make(tables=(replace(TABLE, shape=None, unshaped="Its rows are our own."),))


def test_a_table_that_states_no_columns_has_those_of_its_shape_between_day_and_instant() -> None:
    assert [column.name for column in TABLE.columns] == ["day", "url", "seen_at", "observed_at"]


@pytest.mark.parametrize("changes", [{"settings": Named}, {"access": Access(host="a", auth=Basic, example={})}])
def test_credentials_and_the_setting_that_names_them_belong_together(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="`access` and the setting `connection` belong together"):
        make(**changes)


class NoExample(Strict):
    """A required setting of which nobody knows how it looks."""

    site: str = Field(description="Whose links.")


class NoDescription(Strict):
    """A setting of which nobody knows what it means."""

    days: int = 7


@pytest.mark.parametrize("settings", [NoExample, NoDescription])
def test_a_setting_says_what_it_means_and_how_it_may_look(settings: type[Strict]) -> None:
    with pytest.raises(ValueError, match="needs a description, and, if required, an example"):
        make(settings=settings)


def test_every_source_says_how_its_settings_may_look() -> None:
    for source in SOURCES:
        source.settings.model_validate(source.example())


@pytest.mark.parametrize("is_reused", [False, True])
def test_a_snapshots_answer_of_another_day_is_refused_by_the_frame(
    provider: Provider, tmp_path: Path, is_reused: bool
) -> None:
    if is_reused:
        late = replace(open_api(provider, tmp_path, make()), night=None)
        provider.date = "Mon, 23 Nov 2026 00:00:10 GMT"
        provider.answer = lambda asked: said({"found": {"links": [GOOD]}})
        late.get("/links")
    provider.date = "Mon, 23 Nov 2026 00:00:10 GMT"
    with pytest.raises(NightOverError, match="asked for the night of 2026-11-22, answered at 2026-11-23 00:00 UTC"):
        rows(provider, tmp_path, GOOD)


def test_what_a_connection_lacks_is_said_with_its_name() -> None:
    for source in SOURCES:
        if source.access is not None:
            with pytest.raises(ConfigError, match=r"^(needs|has) "):
                source.access.auth(Connection())


def test_no_module_but_its_own_names_a_provider() -> None:
    """The demo plays providers, and exports/ knows the forms of their files."""
    package = Path(seo_warehouse.__file__).parent
    names = {name for source in SOURCES if has_provider(source) for name in (source.name, source.connection) if name}
    said = re.compile("|".join(name.replace("_", "[_ ]?") for name in names), re.IGNORECASE)
    assert said.search("Search Console")
    rest = [path for path in package.rglob("*.py") if path.relative_to(package).parts[0] not in OWN_ROOMS]
    assert len(rest) > 100
    assert not [str(path) for path in rest if said.search(path.read_text("utf-8"))]


def test_a_source_names_none_of_the_others() -> None:
    folder = Path(seo_warehouse.__file__).parent / "sources"
    for source in filter(has_provider, SOURCES):
        others = {other.name for other in SOURCES if has_provider(other)} - {source.name}
        text = (folder / f"{source.name}.py").read_text("utf-8")
        assert not [name for name in others if name in text], source.name


def has_provider(source: Source) -> bool:
    """Whether somebody else is asked: not of files, nor where we crawl by ourselves."""
    return source.access is not None or "base_url" in source.settings.model_fields
