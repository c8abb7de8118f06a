"""The report in a real browser: telephone and desk, light and dark."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.report.files import write_files
from seo_warehouse.report.reading import read_facts
from seo_warehouse.report.timelines import read_timelines
from seo_warehouse.report.weekly import read_weeks
from tests.pipeline.browser import Browser, chromium
from tests.report import site

pytestmark = pytest.mark.slow
WINDOWS = pytest.mark.parametrize("width", [360, 1440])
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])
SMALLEST_TEXT = """
return Math.min(...[...document.querySelectorAll('svg text, main *')]
  .filter(e => e.checkVisibility() && e.textContent.trim()).map(e => {
    const svg = e.closest('svg'), scale = svg ? svg.getBoundingClientRect().width / svg.viewBox.baseVal.width : 1;
    return scale * parseFloat(getComputedStyle(e).fontSize);
  }))
"""
CONTRAST = """
const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).slice(0, 3).map(x => x / 255)
    .map(x => x <= .03928 ? x / 12.92 : ((x + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
const paper = light(getComputedStyle(document.body).backgroundColor);
const ratio = c => (Math.max(light(c), paper) + .05) / (Math.min(light(c), paper) + .05);
return Math.min(...[...document.querySelectorAll('svg text')].filter(e => e.checkVisibility())
    .map(e => ratio(getComputedStyle(e).fill)),
  ...[...document.querySelectorAll('main p, main td, main li, main a')].map(e => ratio(getComputedStyle(e).color)))
"""


APART = """
return [...document.querySelectorAll('.week li')].filter(line => {
  const boxes = [...line.children].map(e => e.getBoundingClientRect());
  return boxes.some((a, n) => boxes.slice(n + 1).some(b =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1));
}).map(line => line.textContent)
"""
"""Lines of the week whose name, value, sentence and picture lie over each other."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if shutil.which("chromedriver") is None and not os.environ.get("CI"):
        pytest.skip("chromedriver is missing: apt-get install chromium-driver")
    with chromium(tmp_path_factory.mktemp("chromium")) as window:
        yield window


def show(browser: Browser, page: Path, width: int, scheme: str) -> None:
    browser.open("about:blank")
    browser.log("browser")
    browser.log("performance")
    browser.command(
        "Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=width < 500
    )
    browser.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.open(page.as_uri())


def write(connection: psycopg.Connection[Any], folder: Path) -> Path:
    weeks, changes = read_weeks(connection, 1)
    facts = replace(read_facts(connection, "alderwood", 1), weekly=weeks, weekly_changes=changes)
    return write_files(folder, facts, read_timelines(connection, facts))[0]


def assert_inert(browser: Browser, page: Path, width: int) -> None:
    """No sideways scrolling, no message, no request, nothing run."""
    browser.run("document.querySelectorAll('details').forEach(e => e.open = true)")
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert browser.log("browser") == []
    requests = [
        e["params"]["request"]["url"] for e in browser.log("performance") if e["method"] == "Network.requestWillBeSent"
    ]
    assert [url for url in requests if not url.startswith("data:")] == [page.as_uri()]
    assert browser.run("return document.title") == "What links did: alderwood"


@WINDOWS
@SCHEMES
def test_a_report_is_readable_and_asks_for_nothing(
    browser: Browser, marts: Any, analyst: Any, tmp_path: Path, width: int, scheme: str
) -> None:
    site.fill(marts)
    site.fill_weeks(marts)
    page = write(analyst, tmp_path / "alderwood")
    show(browser, page, width, scheme)
    assert_inert(browser, page, width)
    assert "Estimate: in the fourth and fifth week" in browser.text()
    assert browser.run(SMALLEST_TEXT) >= 11
    assert browser.run(CONTRAST) >= 4.5
    assert browser.run(APART) == []
    shown = browser.run("return [...document.querySelectorAll('figure svg')].filter(e => e.checkVisibility()).length")
    assert shown == browser.run("return document.querySelectorAll('figure').length") == 6
    dark = browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(20, 26, 33)"
    assert dark == (scheme == "dark")


@WINDOWS
def test_hostile_texts_do_nothing(browser: Browser, marts: Any, analyst: Any, tmp_path: Path, width: int) -> None:
    site.fill(marts, pages=5)
    site.fill_weeks(marts)
    site.poison(marts)
    page = write(analyst, tmp_path / "alderwood")
    show(browser, page, width, "light")
    assert_inert(browser, page, width)
    assert "document.title='hacked'" in browser.text()
    assert browser.run("return document.querySelectorAll('main script, main iframe, main img').length") == 0
    for file in sorted(page.parent.glob("*.svg")):
        show(browser, file, width, "dark")
        assert browser.log("browser") == []
        assert browser.run("return document.documentElement.querySelector('title').textContent") != "hacked"
