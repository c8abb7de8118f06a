"""The page and its files: what stands in them, and that nothing foreign is more than text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from seo_warehouse.cli import main
from seo_warehouse.config import Settings
from seo_warehouse.report.facts import Facts
from seo_warehouse.report.files import write_files
from seo_warehouse.report.page import compose, render_page
from seo_warehouse.report.reading import read_facts
from seo_warehouse.report.timelines import read_timelines
from seo_warehouse.report.words import LIMITS, REASONS
from seo_warehouse.steps.warehouse import open_warehouse
from tests.conftest import PASSWORDS
from tests.report import site, world
from tests.report.test_pictures import timeline_of

Connection = psycopg.Connection[Any]
PROPERTIES = """
properties:
  - {key: 1, name: alderwood, domain: alderwood.example, history_start: 2026-05-24}
  - {key: 2, name: teaharbour, domain: teaharbour.example, history_start: 2026-05-24}
"""


class Elements(HTMLParser):
    """Every element of a page with its attributes, and the text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def of(self, name: str) -> list[str]:
        """The values of an attribute."""
        return [attributes[name] or "" for _, attributes in self.found if name in attributes]


def page_of(analyst: Connection) -> str:
    facts = read_facts(analyst, "alderwood", 1)
    return render_page(compose(facts, read_timelines(analyst, facts)))


def text_of(page: str) -> str:
    return " ".join(" ".join(Elements(page).texts).split())


def test_the_sentence_comes_before_the_picture_and_the_limits_below_it(marts: Connection, analyst: Connection) -> None:
    site.fill(marts)
    page = page_of(analyst)
    said = [page.index("Estimate: in the fourth and fifth week"), page.index("<figure>"), page.index("<table>"),
            page.index("What these figures cannot say"), page.index("Kinds of link</h2>")]  # fmt: skip
    assert said == sorted(said)
    text = text_of(page)
    for sentence in (*LIMITS, "Followed minus nofollow links", "9 false alarms in 200 draws", *REASONS):
        assert sentence in text
    assert "most of its value below is the average of similar links" in text


def test_a_page_asks_for_nothing(marts: Connection, analyst: Connection) -> None:
    site.fill(marts)
    elements = Elements(page_of(analyst))
    policy = next(a for _, a in elements.found if a.get("http-equiv") == "Content-Security-Policy")
    assert policy["content"] == (
        "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    assert not {tag for tag, _ in elements.found} & {"script", "img", "iframe", "object", "embed", "form", "base"}
    assert [a["href"] for tag, a in elements.found if tag == "link"] == ["data:,"]
    assert not elements.of("src")
    assert all(value.startswith(("#", "http://", "https://", "data:,")) for value in elements.of("href"))
    assert all(value.startswith("#") for value in elements.of("xlink:href"))
    assert "url(http" not in page_of(analyst)
    assert "@import" not in page_of(analyst)


def test_every_reference_leads_to_one_element(marts: Connection, analyst: Connection) -> None:
    site.fill(marts)
    elements = Elements(page_of(analyst))
    ids = elements.of("id")
    assert len(ids) == len(set(ids))
    inner = [value[1:] for value in (*elements.of("href"), *elements.of("xlink:href")) if value.startswith("#")]
    clips = [name for value in elements.of("clip-path") for name in re.findall(r"url\(#(\w+)\)", value)]
    assert {*inner, *clips} <= set(ids)


def test_hostile_texts_are_texts(marts: Connection, analyst: Connection) -> None:
    site.fill(marts, pages=5)
    site.poison(marts)
    page = page_of(analyst)
    elements = Elements(page)
    assert not {tag for tag, _ in elements.found} & {"script", "img", "iframe"}
    assert [tag for tag, _ in elements.found].count("style") == 1
    assert not [name for _, attributes in elements.found for name in attributes if name.startswith("on")]
    assert not [value for value in elements.of("href") if not value.startswith(("#", "http", "data:,"))]
    assert not re.search("[\u202a-\u202e\u2066-\u2069\u200e\u200f\x00]", page)
    text = "".join(elements.texts)
    assert "W" * 400 not in text
    assert "<script>document.title='hacked'</script>" in text
    assert "{{ 7 * 7 }}" in text


def test_a_text_that_no_database_could_hold_does_no_harm_either() -> None:
    timeline = replace(timeline_of(3, 4), title="a\x00b\ud800c\x1b[31m", url="javascript:alert(1)")
    page = render_page(compose(Facts("a", 1, "google", "log_position", True), (timeline,)))
    assert page.encode("utf-8")
    assert not [href for href in Elements(page).of("href") if href.startswith("javascript")]


@pytest.mark.parametrize("is_built", [True, False])
def test_a_warehouse_without_estimates_has_a_page_that_says_so(is_built: bool) -> None:
    text = text_of(render_page(compose(Facts("alderwood", 1, "google", "log_position", is_built), ())))
    assert "Not enough data: no effects of links have been estimated for alderwood yet." in text


def test_too_few_links_show_counts_and_no_figure() -> None:
    row = world.effect(None, status="not_enough_data", event_count=6, treated_page_count=5, needed_event_count=5,
                       smallest_detectable_effect=None)  # fmt: skip
    page = render_page(compose(Facts("alderwood", 1, "google", "log_position", True, (row,)), ()))
    assert "5 of 10 isolated links that a first interval takes" in text_of(page)
    assert "<figure>" not in page
    assert not re.search(r"\d\s%\s(nearer|further)", text_of(page))


def test_the_same_data_give_the_same_page(marts: Connection, analyst: Connection) -> None:
    site.fill(marts)
    assert page_of(analyst) == page_of(analyst)


def test_pictures_lie_beside_the_page_and_stale_ones_go(tmp_path: Path) -> None:
    facts = Facts("alderwood", 1, "google", "log_position", True, tuple(world.rich_effects()))
    paths = write_files(tmp_path / "alderwood", facts, (timeline_of(3, 4), timeline_of(5, 6)))
    assert sorted(path.name for path in paths) == sorted(path.name for path in (tmp_path / "alderwood").iterdir())
    assert paths[0].name == "index.html"
    assert {path.name for path in paths} >= {"event-study-acquired_followed.svg", "by-kind-of-link.png", "page-2.svg"}
    write_files(tmp_path / "alderwood", facts, (timeline_of(3, 4),))
    assert not (tmp_path / "alderwood" / "page-2.svg").exists()


@pytest.fixture
def home(tmp_path: Path, database: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home whose warehouse is the test's database."""
    (tmp_path / "secrets.json").write_text(json.dumps(PASSWORDS))
    (tmp_path / "properties.yml").write_text(PROPERTIES)
    for name in ("SEO_WAREHOUSE_PROPERTIES", "SEO_WAREHOUSE_DBT_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SEO_WAREHOUSE_HOME", str(tmp_path))
    monkeypatch.setenv("SEO_WAREHOUSE_DSN", database)
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_effect_prints_what_the_page_says(marts: Connection, home: Path) -> None:
    site.fill(marts)
    done = run("effect", "--property", "alderwood", "--cut", "authority")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[2].startswith("Estimate: in the fourth and fifth week after these new followed links")
    assert "+21 to +27          13 % nearer to the top" in done.output
    assert "Authority of the linking domain: low" in done.output
    assert [f"* {limit}" for limit in LIMITS] == [line for line in lines if line[2:] in LIMITS]
    everything = run("effect", "--property", "all").output
    assert "260 isolated links on 220 pages" in everything
    assert "1.7 places" in run("effect", "--property", "alderwood", "--outcome", "position").output


def test_effect_without_estimates_says_so(home: Path) -> None:
    done = run("effect", "--property", "alderwood")
    assert done.exit_code == 0
    assert "Not enough data: no effects of links have been estimated for alderwood yet." in done.output


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("effect", "--property", "oak"), "no property 'oak'; there are: alderwood, teaharbour"),
        (("report", "--property", "oak"), "no property 'oak'; there are: alderwood, teaharbour"),
        (("effect", "--property", "alderwood", "--cut", "moon"), "no cut 'moon'; there are: authority, relevance"),
        (("effect", "--property", "alderwood", "--cut"), "say which cut; there are: authority, relevance"),
        (("effect", "--property", "alderwood", "--outcome", "luck"), "no outcome 'luck'; there are: click_log"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(
    marts: Connection, home: Path, arguments: tuple[str, ...], reason: str
) -> None:
    site.fill(marts, pages=1)
    done = run(*arguments)
    assert (done.exit_code, reason in done.output) == (1, True), done.output


def test_report_writes_each_property_and_all_together(marts: Connection, home: Path) -> None:
    site.fill(marts, pages=2)
    done = run("report")
    assert done.exit_code == 0, done.output
    pages = [home / "reports" / name / "index.html" for name in ("alderwood", "teaharbour", "all")]
    assert [str(page) for page in pages] == [line for line in done.output.splitlines() if line.endswith(".html")]
    assert "Estimate: in the fourth" in pages[0].read_text()
    assert "Not enough data" in pages[1].read_text()
    assert "260 isolated links" in pages[2].read_text()
    assert (home / "reports/alderwood/page-2.png").exists()
    assert run("report", "--property", "teaharbour").output.count(".html") == 1


def test_a_property_that_is_set_aside_is_named_by_page_and_terminal(marts: Connection, home: Path) -> None:
    site.fill(marts, pages=1)
    open_warehouse(Settings()).sync_properties()
    marts.execute("insert into ops.set_aside (property_key, reason) values (2, 'numeric <field> overflow')")
    said = "Not every published day is in these figures: 0 published days (None to None) cannot be modelled: numeric"
    assert said in run("effect", "--property", "teaharbour").output
    assert said not in run("effect", "--property", "alderwood").output
    assert "Set aside: teaharbour: 0 published days" in run("status").output
    assert run("report").exit_code == 0
    pages = {name: (home / "reports" / name / "index.html").read_text() for name in ("all", "alderwood", "teaharbour")}
    assert "cannot be modelled: numeric &lt;field&gt; overflow" in pages["teaharbour"]
    assert "of teaharbour cannot be modelled." in pages["all"]
    assert "cannot be modelled" not in pages["alderwood"]
