"""The elements of a result page, as DataForSEO's advanced answer tells them, and the links in them.

https://docs.dataforseo.com/v3/serp/google/organic/task_get/advanced/ (fields: PyPI, dataforseo-client)

What lies in an element nests otherwise in each of some sixty types: sources of an AI overview stand at the overview
and at its sections, the answer to a question of people_also_ask two levels down. What they have in common is that a
link is an object with a `url`. An address counts once in an element, in people_also_ask once for each question, however
often and on however many levels it is told, and not at all where it is the element's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seo_warehouse.client.answers import Items
from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.sources.fields import Shape, integer, sequence
from seo_warehouse.spec import Column, Row, Type

ITEM_COLUMNS = (
    Column("type", Type.TEXT, "organic, paid, featured_snippet ...", required=True),
    Column("rank_group", Type.INTEGER, "Position among items of its type, from 1.", minimum=1),
    Column("rank_absolute", Type.INTEGER, "Position among all items, from 1.", minimum=1),
    Column("domain", Type.TEXT, "Domain as the vendor cuts it."),
    Column("url", Type.URL, "Address of the result."),
    Column("title", Type.TEXT, "Title shown."),
    Column("description", Type.TEXT, "Snippet shown."),
    Column("breadcrumb", Type.TEXT, "Breadcrumb shown."),
)
ELEMENT_COLUMNS = (
    Column("element_no", Type.INTEGER, "item_no of the element that the link lies in; NULL: no link.", minimum=1),
    Column("element_type", Type.TEXT, "Type of that element."),
    Column("question", Type.TEXT, "Question of people_also_ask that the link answers."),
)


RESULTS = ("organic", "paid", "featured_snippet")
"""Elements that a regular answer has too, of which there are recordings: the gate holds these to their fields."""
UNNAMED = "unknown"
"""Type of an element that states none."""


def _rank(value: Any, name: str) -> int | None:
    """A rank; the vendor states 0 for elements that it ranks among no others."""
    return max(integer(value, name), 0) or None


ELEMENT = Shape(
    *ITEM_COLUMNS,
    takes={"rank_group": _rank, "rank_absolute": _rank},
    optional={"domain", "url", "title", "description", "breadcrumb"},
    unused="about_this_result amp_version asynchronous_ai_overview booking_url cache_url card_id categories checks"
    " cid converted_currency converted_value currency data_attrid date_from date_to description_rows"
    " expanded_element extended_people_also_search extended_snippet extra faq feature featured_title graph"
    " highlighted hotel_identifier image_url images is_featured_snippet is_image is_malicious is_paid is_video"
    " is_web_story items keyword link links logo_url markdown page phone place_id position posts_id pre_snippet"
    " price rating rectangle references related_image_searches related_result related_search_url"
    " related_searches result reviews_count snippet source subtitle table text timestamp value website_name"
    " xpath".split(),
)
LINK_COLUMNS = tuple(c for c in ITEM_COLUMNS if c.name in ("type", "domain", "url", "title", "description"))
WITHIN = Shape(
    *LINK_COLUMNS,
    optional={column.name for column in LINK_COLUMNS},
    unused="about_this_result ad_aclk alt amp_version answer_text asynchronous_ai_overview author badges breadcrumb"
    " cache_url checks code_type components consideration_category contract_type currency current data_attrid"
    " data_docid date date_from date_to displayed_price expanded_element extended_snippet featured_title gid"
    " group_source group_title height highlighted hotel_identifier image image_url images is_image is_paid"
    " is_price_range is_video items job_posted_time keyword link links location markdown marketplace"
    " marketplace_url max_value mentioned_in more_sellers multi_carousel_snippets page position posts_count"
    " pre_snippet preview previous_items price product_id product_identifiers profile_image_url question_text"
    " rank_absolute rank_group rating rating_max rating_type rectangle references refine_type regular"
    " related_search_url related_searches salary seed_question seller snippet"
    " solution source subtitle table table_content table_element table_header text time"
    " time_to_play timestamp tweet value votes votes_count website_name width x xpath y".split(),
)
"""What lies in elements, links or not."""
QUESTION = "people_also_ask_element"
APART = {"about_this_result"}
"""Google's words on where a result comes from: its address is Google's own, and no result."""


def elements(entries: Any) -> Items:
    """The elements of a page, and behind them the links in them. Raises MalformedAnswerError of a result.

    Nothing else costs its page: an element of a type that nobody knows is kept by that name, and a value that is not of
    its type is as if it were not there.
    """
    found = [entry if isinstance(entry, dict) else {} for entry in sequence(entries, "items")]
    results = [entry for entry in found if entry.get("type") in RESULTS]
    others = [entry for entry in found if entry.get("type") not in RESULTS]
    odd: set[str] = set()
    rows: list[Row] = []
    links: list[Row] = []
    within: list[dict[str, Any]] = []
    for number, entry in enumerate(found, start=1):
        element = ELEMENT.row(entry) if entry.get("type") in RESULTS else _fitting(ELEMENT, entry, odd)
        rows.append({**element, "type": element["type"] or UNNAMED, **_NOWHERE})
        objects = list(_objects_in(entry))
        within += (held for held, _ in objects)
        links += _links(objects, rows[-1], number, odd)
    held_to, told = ELEMENT.around(results, []), ELEMENT.around(others, [])
    odd |= told.unknown | told.missing | WITHIN.around(within, []).unknown
    unnamed = {"type"} if any(row["type"] == UNNAMED for row in rows) else frozenset[str]()
    return Items([*rows, *links], held_to.unknown, held_to.missing | unnamed, frozenset(odd))


_NOWHERE: Row = dict.fromkeys(column.name for column in ELEMENT_COLUMNS)


def _fitting(shape: Shape, entry: dict[str, Any], odd: set[str]) -> Row:
    """The values for the columns; a field whose value is not of its type is odd, and left out."""
    try:
        return shape.row(entry)
    except MalformedAnswerError:
        unfit = {column.name for column in shape.columns if not _is_fit(shape, column.name, entry)}
        odd |= unfit
        return shape.row({name: value for name, value in entry.items() if name not in unfit})


def _is_fit(shape: Shape, name: str, entry: dict[str, Any]) -> bool:
    try:
        shape.row({name: entry.get(name)})
    except MalformedAnswerError:
        return False
    return True


def _links(objects: list[tuple[dict[str, Any], Any]], element: Row, number: int, odd: set[str]) -> Iterator[Row]:
    told = {(None, element["url"])}
    for held, question in objects:
        row = _fitting(WITHIN, held, odd)
        if not row["url"] or (question, row["url"]) in told:
            continue
        told.add((question, row["url"]))
        yield {
            **dict.fromkeys(column.name for column in ITEM_COLUMNS),
            **row,
            "type": row["type"] or UNNAMED,
            "element_no": number,
            "element_type": element["type"],
            "question": question,
        }


def _objects_in(element: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str | None]]:
    """Each object in an element, in the answer's order, with the question that it answers."""
    waiting: list[tuple[Any, str | None]] = [(element, None)]
    while waiting:
        value, question = waiting.pop()
        if isinstance(value, list):
            waiting += ((each, question) for each in reversed(value))
        elif isinstance(value, dict):
            if value is not element:
                yield value, question
            if value.get("type") == QUESTION:
                question = _fitting(WITHIN, value, set())["title"]
            waiting += ((held, question) for name, held in reversed(value.items()) if name not in APART)
