"""Advanced answers: the elements of a page, who is linked in them, and what asking for them costs."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterable
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import pytest
from dataforseo_client.models.base_serp_api_element_item import BaseSerpApiElementItem
from dataforseo_client.models.serp_google_organic_task_get_advanced_result_info import (
    SerpGoogleOrganicTaskGetAdvancedResultInfo,
)
from dataforseo_client.models.serp_google_organic_task_post_request_info import SerpGoogleOrganicTaskPostRequestInfo
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from seo_warehouse.client.api import Api
from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.property import Property
from seo_warehouse.sources.dataforseo_serp import DATAFORSEO_SERP, SerpSettings, order_night, price
from seo_warehouse.sources.serp_answers import GET_PATH, RESULT, decode_serp
from seo_warehouse.sources.serp_elements import APART, ELEMENT, ELEMENT_COLUMNS, ITEM_COLUMNS, WITHIN, elements
from seo_warehouse.sources.serp_plan import list_price
from seo_warehouse.spec import Row
from tests.demo.models import assert_fits
from tests.sources.fuzzing import JSON, mutated, places
from tests.sources.properties import DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import Act, Asked, Provider, open_api, said

US, RIVAL = "https://shop.example/oak", "https://rival.example/oak"


def asked_for(answer: str, *keywords: str, **panel: Any) -> Property:
    """A property whose checks are asked for in this form."""
    prop = make_property(*keywords, **panel)
    settings = SerpSettings.model_validate({"answer": answer})
    return prop.model_copy(update={"sources": prop.sources.model_copy(update={"dataforseo_serp": settings})})


def element(type: str, absolute: int, **other: Any) -> dict[str, Any]:
    return {"type": type, "rank_group": 1, "rank_absolute": absolute, "page": 1, "xpath": "/html[1]", **other}


def reference(url: str, text: str = "Oak.") -> dict[str, Any]:
    host = url.split("/")[2]
    kind = "ai_overview_reference"
    return {"type": kind, "source": host, "domain": host, "url": url, "title": host, "text": text}


OVERVIEW = element(
    "ai_overview",
    1,
    asynchronous_ai_overview=True,
    markdown="Oak lasts.",
    items=[
        {"type": "ai_overview_element", "title": "Care", "text": "Oil it.", "references": [reference(RIVAL)]},
        {
            "type": "ai_overview_element",
            "title": "Wood",
            "text": "Oak lasts.",
            "links": [{"type": "link_element", "title": "A guide", "url": US, "domain": "shop.example"}],
            "references": [reference(RIVAL), reference(f"{US}/care")],
        },
    ],
    references=[reference(RIVAL), reference(f"{US}/care")],
)


def answered(question: str, url: str) -> dict[str, Any]:
    shown = {"type": "people_also_ask_expanded_element", "url": url, "domain": url.split("/")[2], "title": "Oak"}
    return {"type": "people_also_ask_element", "title": question, "seed_question": None, "expanded_element": [shown]}


QUESTIONS = element(
    "people_also_ask",
    3,
    items=[
        answered("Does oak last?", US),
        answered("Is oak dear?", US),
        {
            "type": "people_also_ask_element",
            "title": "Who sells oak?",
            "expanded_element": [
                {"type": "people_also_ask_ai_overview_expanded_element", "references": [reference(RIVAL)]}
            ],
        },
    ],
)
ORGANIC = element(
    "organic",
    2,
    domain="shop.example",
    url=US,
    title="Oak benches",
    description="Benches of oak.",
    breadcrumb="shop.example",
    links=[{"type": "link_element", "title": "Sale", "url": f"{US}/sale", "description": "Less."}],
    images=[{"type": "images_element", "alt": "a bench", "url": US, "image_url": "https://shop.example/a.jpg"}],
    about_this_result={"type": "about_this_result_element", "url": "https://www.google.com/about", "language": "en"},
    rating={"rating_type": "Max5", "value": 4.5, "votes_count": 9, "rating_max": 5},
)
LOCAL = element("local_pack", 4, title="Oak & Co", domain="rival.example", url=RIVAL, is_paid=False, cid="1")
ASIDE = element("knowledge_graph", 0, rank_group=0, title="Oak", description="A tree.", items=[])
PAGE = [OVERVIEW, ORGANIC, QUESTIONS, LOCAL, ASIDE]


def result(*items: dict[str, Any]) -> dict[str, Any]:
    return {
        "keyword": "oak bench",
        "type": "organic",
        "se_domain": "google.com",
        "location_code": 2840,
        "language_code": "en",
        "check_url": "https://www.google.com/search?q=oak",
        "datetime": "2026-11-22 03:30:00 +00:00",
        "spell": None,
        "refinement_chips": None,
        "item_types": [item["type"] for item in items],
        "se_results_count": 900,
        "pages_count": 1,
        "items_count": len(items),
        "items": list(items) or None,
    }


def envelope(task: dict[str, Any]) -> dict[str, Any]:
    whole = {"status_code": 20000, "status_message": "Ok.", "cost": 0, "data": {}, "result": None, **task}
    return {"status_code": 20000, "status_message": "Ok.", "tasks_error": 0, "tasks": [whole]}


@pytest.fixture
def provider(provider: Provider) -> Provider:
    """A vendor whose every task is done at once, and shows `PAGE`."""

    def answer(asked: Asked) -> Act:
        if asked.path.endswith("/task_post"):
            tasks = [
                envelope({"id": f"id-{n}", "status_code": 20100, "data": order, "cost": 0.0012})["tasks"][0]
                for n, order in enumerate(asked.json)
            ]
            return said({**envelope({}), "tasks": tasks})
        if asked.path.endswith("/tasks_ready"):
            return said(envelope({"id": "0", "result": [{"id": f"id-{n}", "tag": None} for n in range(4)]}))
        regular = [ORGANIC] if "/regular/" in asked.path else PAGE
        return said(envelope({"id": asked.path.rsplit("/", 1)[1], "result": [result(*regular)]}))

    provider.date = DATE
    provider.answer = answer
    return provider


def read(api: Api, table: str, prop: Property) -> list[Row]:
    rows = list(DATAFORSEO_SERP.table(table).read(api, prop, TONIGHT))
    check_columns(DATAFORSEO_SERP, table, rows)
    return rows


def links(*items: dict[str, Any]) -> list[tuple[Any, ...]]:
    names = ("element_no", "element_type", "type", "question", "url")
    return [tuple(row[n] for n in names) for row in elements(list(items)).rows if row["element_no"] is not None]


def test_the_page_is_one_that_the_vendors_models_know() -> None:
    assert_fits(SerpGoogleOrganicTaskGetAdvancedResultInfo, result(*PAGE))


def test_each_element_is_a_row_in_its_place_and_the_links_follow(provider: Provider, tmp_path: Path) -> None:
    prop = asked_for("advanced", "oak bench", devices=("desktop",))
    assert order_night(open_api(provider, tmp_path, DATAFORSEO_SERP), prop, TONIGHT) is True
    api = open_api(provider, tmp_path, DATAFORSEO_SERP, may_call=False)
    rows = read(api, "result", prop)
    assert [row["item_no"] for row in rows] == list(range(1, len(rows) + 1))
    assert [(row["type"], row["rank_absolute"]) for row in rows[: len(PAGE)]] == [
        ("ai_overview", 1),
        ("organic", 2),
        ("people_also_ask", 3),
        ("local_pack", 4),
        ("knowledge_graph", None),
    ]
    assert {row["element_no"] for row in rows[: len(PAGE)]} == {None}
    assert {row["element_no"] for row in rows[len(PAGE) :]} == {1, 2, 3}
    # The vendor counts elements, the gate counts rows.
    assert api.facts == {NIGHT: {"stated_count": len(rows)}}
    [task] = read(api, "task", prop)
    assert (task["answer"], task["items_count"], task["money"]) == ("advanced", len(PAGE), Decimal("0.0012"))


def test_an_address_counts_once_in_an_overview_however_often_it_is_told() -> None:
    assert links(OVERVIEW) == [
        (1, "ai_overview", "ai_overview_reference", None, RIVAL),
        (1, "ai_overview", "link_element", None, US),
        (1, "ai_overview", "ai_overview_reference", None, f"{US}/care"),
    ]


def test_an_address_counts_once_for_each_question_that_it_answers() -> None:
    assert links(QUESTIONS) == [
        (1, "people_also_ask", "people_also_ask_expanded_element", "Does oak last?", US),
        (1, "people_also_ask", "people_also_ask_expanded_element", "Is oak dear?", US),
        (1, "people_also_ask", "ai_overview_reference", "Who sells oak?", RIVAL),
    ]


def test_neither_a_results_own_address_nor_googles_word_on_it_is_a_link_in_it() -> None:
    assert links(ORGANIC, LOCAL, ASIDE) == [(1, "organic", "link_element", None, f"{US}/sale")]


@pytest.mark.parametrize(("count", "rows"), [(0, 0), (1, 4), (5, 12)])
def test_pages_of_no_one_and_more_elements_are_read(count: int, rows: int) -> None:
    assert len(elements(PAGE[:count] or None).rows) == rows


def test_what_is_nested_deeply_is_read_all_the_same() -> None:
    deep: dict[str, Any] = {"type": "link_element", "url": US}
    for _ in range(5_000):
        deep = {"type": "carousel_element", "items": [deep]}
    assert links(element("carousel", 1, items=[deep])) == [(1, "carousel", "link_element", None, US)]


def test_fields_out_of_place_hold_a_result_and_are_told_of_all_else_at_any_depth() -> None:
    overview, organic = json.loads(json.dumps([OVERVIEW, ORGANIC]))
    overview["mood"] = "good"
    overview["items"][1]["references"][0]["stars"] = 5
    organic["links"][0]["colour"] = "red"
    del overview["rank_group"]
    found = elements([overview, organic])
    assert (found.unknown, found.missing, found.odd) == (set(), set(), {"mood", "stars", "colour", "rank_group"})
    organic["mood"] = "good"
    del organic["rank_group"]
    found = elements([organic])
    assert (found.unknown, found.missing, found.odd) == ({"mood"}, {"rank_group"}, {"colour"})


def test_an_element_of_a_kind_that_nobody_knows_is_kept_by_its_name() -> None:
    hologram = element("hologram", 2, beams=[{"angle": 5, "link": {"type": "beam", "url": RIVAL}}])
    found = elements([ORGANIC, hologram])
    assert [(row["type"], row["element_type"], row["url"]) for row in found.rows] == [
        ("organic", None, US),
        ("hologram", None, None),
        ("link_element", "organic", f"{US}/sale"),
        ("beam", "hologram", RIVAL),
    ]
    assert (found.unknown, found.missing, found.odd) == (set(), set(), {"beams", "angle"})


@pytest.mark.parametrize("kind", [None, 5, ["organic"], {"type": "organic"}])
def test_an_element_without_a_name_keeps_its_place_and_holds_the_load(kind: Any) -> None:
    found = elements([{"type": kind, "rank_group": 1, "rank_absolute": 1}, None, "organic", ORGANIC])
    assert [row["type"] for row in found.rows] == ["unknown", "unknown", "unknown", "organic", "link_element"]
    assert (found.rows[-1]["element_no"], found.missing) == (4, {"type"})


@pytest.mark.parametrize("value", [5, 1.5, True, ["https://shop.example/"], {"type": "x"}, None, ""])
def test_a_value_that_is_not_of_its_type_costs_no_page_and_no_other_value(value: Any) -> None:
    rival = {"type": "images_element", "title": value, "url": RIVAL}
    images = element("images", value, title=value, items=[{"type": "images_element", "url": value}, rival, value])
    found = elements([images])
    [row, link] = found.rows
    texts = value if value == "" else None
    assert (row["type"], row["rank_group"], row["title"]) == ("images", 1, texts)
    assert (link["url"], link["title"]) == (RIVAL, texts)
    assert "title" in found.odd or value in (None, "")


def test_a_rank_of_nothing_is_none() -> None:
    ranks = [elements([element("images", rank)]).rows[0]["rank_absolute"] for rank in (0, -1, -(2**31), 2**31, 7)]
    assert ranks == [None, None, None, None, 7]


def test_a_page_of_a_hundred_thousand_links_is_read_as_any_other() -> None:
    held = [{"type": "carousel_element", "url": f"{RIVAL}/{n % 60_000}"} for n in range(100_000)]
    rows = elements([element("carousel", 1, items=[held, [[held]]]), ORGANIC]).rows
    assert (len(rows), rows[1]["type"], rows[-1]["element_no"]) == (60_003, "organic", 2)


@settings(max_examples=60)
@given(st.sampled_from(list(places(PAGE))), JSON)
def test_no_page_gets_anything_but_rows_out_or_a_typed_error_of_a_result(place: tuple[Any, ...], value: Any) -> None:
    page = mutated(PAGE, place, value)
    try:
        told = elements(page)
    except MalformedAnswerError:
        # PAGE[1] is the only result.
        assert not isinstance(page, list) or place[:1] == (1,) or value == "organic"
        return
    if isinstance(page, list):
        assert sum(row["element_no"] is None for row in told.rows) == len(page)
    names = {column.name for column in (*ITEM_COLUMNS, *ELEMENT_COLUMNS)}
    assert all(row.keys() == names for row in told.rows)
    texts = names - {"rank_group", "rank_absolute", "element_no"}
    assert {type(row[name]) for row in told.rows for name in texts} <= {str, type(None)}


def test_a_regular_answer_of_the_same_page_has_the_rows_it_always_had() -> None:
    told = decode_serp(envelope({"result": [result(ORGANIC)]}), "regular")
    nowhere = {"element_no": None, "element_type": None, "question": None}
    names = ("type", "rank_group", "rank_absolute", "domain", "url", "title", "description", "breadcrumb")
    assert told.rows == [{**{name: ORGANIC[name] for name in names}, **nowhere}]


def test_a_night_keeps_the_form_that_it_was_ordered_in(provider: Provider, tmp_path: Path) -> None:
    first, later = (asked_for(form, "oak bench", devices=("desktop",)) for form in ("advanced", "regular"))
    order_night(open_api(provider, tmp_path, DATAFORSEO_SERP), first, TONIGHT)
    order_night(open_api(provider, tmp_path, DATAFORSEO_SERP), later, TONIGHT)
    assert [asked.path for asked in provider.asked if asked.path.startswith(GET_PATH)] == [f"{GET_PATH}advanced/id-0"]
    api = open_api(provider, tmp_path, DATAFORSEO_SERP, may_call=False)
    assert [row["answer"] for row in read(api, "task", later)] == ["advanced"]
    assert len(read(api, "result", later)) == 12


def test_the_overview_is_waited_for_and_paid_where_it_is_asked_for(provider: Provider, tmp_path: Path) -> None:
    for form in ("regular", "advanced"):
        order_night(open_api(provider, tmp_path / form, DATAFORSEO_SERP), asked_for(form, "oak", depth=10), TONIGHT)
    regular, advanced = (asked.json for asked in provider.asked if asked.method == "POST")
    assert [order | {"load_async_ai_overview": True} for order in regular] == advanced
    assert SerpGoogleOrganicTaskPostRequestInfo.from_dict(advanced[0])
    assert [price(asked_for(form, "oak", depth=10)) for form in ("regular", "advanced")] == [
        Decimal("0.0012"),
        Decimal("0.0024"),
    ]
    assert list_price(advanced[0]) == Decimal("0.0012")


def test_a_regular_check_is_ordered_as_it_always_was(provider: Provider, tmp_path: Path) -> None:
    order_night(open_api(provider, tmp_path, DATAFORSEO_SERP), make_property("oak"), TONIGHT)
    orders = next(asked.json for asked in provider.asked if asked.method == "POST")
    assert {name for order in orders for name in order} == {
        "keyword",
        "location_code",
        "language_code",
        "device",
        "depth",
        "tag",
    }


def _held_by(model: type[BaseModel]) -> set[type[BaseModel]]:
    """The vendor's models that its fields hold, and those that it stands for where it is the base of several."""
    stated = [f.annotation for name, f in model.model_fields.items() if name not in APART]
    held: set[type[BaseModel]] = set()
    while stated:
        annotation = stated.pop()
        stated += get_args(annotation)
        if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
            held.add(annotation)
    return held | (_heirs_of(model) if model.__name__.startswith("Base") else set())


def _heirs_of(base: type[BaseModel]) -> set[type[BaseModel]]:
    names = re.findall(
        r"""['"][a-z_]+['"]\s*:\s*['"]([A-Za-z]+)['"]""", inspect.getsource(import_module(base.__module__))
    )
    files = {name: re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower() for name in names}
    return {getattr(import_module(f"dataforseo_client.models.{file}"), name) for name, file in files.items()}


def _fields_of(models: Iterable[type[BaseModel]]) -> set[str]:
    return {name for model in models for name in model.model_fields} - {"additional_properties"}


def test_the_known_fields_are_the_vendors_own() -> None:
    shown = _heirs_of(BaseSerpApiElementItem)
    assert len(shown) > 50
    waiting, within = list(shown), set[type[BaseModel]]()
    while waiting:
        held = _held_by(waiting.pop()) - within
        within |= held
        waiting += held
    assert _fields_of(shown) == ELEMENT.known
    assert _fields_of(within) == WITHIN.known
    assert _fields_of({SerpGoogleOrganicTaskGetAdvancedResultInfo}) == RESULT.known
