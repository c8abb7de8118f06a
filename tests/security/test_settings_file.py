"""properties.yml in which everything that can be wrong is wrong: one sentence, soon, and never a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

from seo_warehouse.config import Property, Settings, load_properties
from seo_warehouse.errors import ConfigError
from seo_warehouse.steps.warehouse import Warehouse
from tests.steps.dropping import open_shop

GOOD = "properties: [{key: 1, name: shop, domain: shop.example, history_start: 2026-05-01}]"


def with_(**changes: str) -> str:
    stated = {"key": "1", "name": "shop", "domain": "shop.example", "history_start": "2026-05-01"} | changes
    return f"properties: [{{{', '.join(f'{name}: {value}' for name, value in stated.items())}}}]"


WRONG: dict[str, tuple[str | bytes, str]] = {
    "UTF-16": (GOOD.encode("utf-16"), "is not in UTF-8: byte 1 is 0x"),
    "Latin-1": (b"properties: \xe9", "is not in UTF-8: byte 13 is 0xe9"),
    "NUL": ("properties:\0", "holds a character that YAML does not allow, at place 12"),
    "NUL, escaped": (with_(panel=r'{language_code: "e\0n"}'), "panel.language_code: holds the character U\\+0000"),
    "NUL in a name": (r'{"a\0": 1}', "holds the character U\\+0000"),
    "letters turned round": (with_(panel=r'{language_code: "\u202en"}'), "holds the character U\\+202E"),
    "half a letter": (with_(panel=r'{language_code: "\ud800"}'), "is not valid YAML: found invalid Unicode"),
    "a large key": (with_(key="2147483648"), "properties.0.key: is no number between -2,147,483,647 and 2"),
    "a large interval": (
        with_(sources="{dataforseo_serp: {interval_days: 9223372036854775808}}"),
        "dataforseo_serp.interval_days: is no number between",
    ),
    "no number": (with_(sources="{dataforseo_serp: {money_per_night: .nan}}"), "money_per_night: is no number"),
    "a number of five hundred digits": (with_(key="9" * 500), "properties.0.key: is no number"),
    "no end": (with_(sources="{dataforseo_serp: {money_per_night: .inf}}"), "money_per_night: is no number"),
    "a larger key": (with_(key="9" * 5000), "properties.0.key: .*integer"),
    "a place code": (with_(panel="{location_code: 0}"), "panel.location_code: .*greater than or equal to 1"),
    "30 February": (with_(history_start="2026-02-30"), "history_start: .*day value is outside expected range"),
    "25 o'clock": (with_(history_start="2026-05-01 25:00:00"), "history_start: .*hour value is outside"),
    "the year 1": (with_(history_start="0001-01-01"), "history_start: .*greater than or equal to 1990-01-01"),
    "the year 9999": (with_(history_start="9999-12-31"), "history_start: .*less than 2100-01-01"),
    "no digits": (with_(history_start="0b_"), "history_start: .*date"),
    "an address": (with_(domain="https://shop.example"), "domain: is no domain"),
    "a port": (with_(domain="'shop.example:80'"), "domain: is no domain"),
    "a path": (with_(domain="shop.example/a"), "domain: is no domain"),
    "a suffix": (with_(domain="co.uk"), "domain: is no domain"),
    "one label": (with_(domain="shop"), "domain: is no domain"),
    "an IP address": (with_(domain="127.0.0.1"), "domain: is no domain"),
    "a wildcard": (with_(domain="'*.shop.example'"), "domain: is no domain"),
    "no domain": (with_(domain="''"), "domain: is no domain"),
    "a name twice": (f"{GOOD}\n{GOOD}", "'properties' stands twice, the second time in line 2"),
    "a setting twice": (GOOD.replace("name: shop", "name: shop, name: blog"), "'name' stands twice"),
    "no end of lists": ("[" * 100_000, "is nested too deeply"),
    "no end of dashes": ("- " * 100_000, "is nested too deeply"),
    "no end of lines": ("\n".join(" " * n + "a:" for n in range(3_000)), "is nested too deeply"),
    "an alias of itself": ("properties: &a [*a]", "is an alias of what it stands in"),
    "aliases of aliases": (
        "a: &a0 [x]\n" + "".join(f"b{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 15)),
        "stands for more than 2,000,000 values",
    ),
    "a name that is a list": ("? [a]\n: b", "is not valid YAML: found unhashable key, line 1"),
    "an object": ("!!python/object:os.system x", "is not valid YAML: could not determine a constructor"),
    "a pattern without end": (
        with_(topics=f"[{{pattern: '{'(' * 900}', topic: x}}]"),
        "topics.0.pattern: not a regular",
    ),
    "a long pattern": (with_(topics=f"[{{pattern: '{'a' * 1001}', topic: x}}]"), "topics.0.pattern: .*at most 1000"),
    "a large repeat": (with_(topics="[{pattern: 'a{9999999999999}', topic: x}]"), "topics.0.pattern: not a regular"),
}


@pytest.mark.parametrize(("content", "sentence"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_with_a_file_is_one_line_that_names_it(
    tmp_path: Path, content: str | bytes, sentence: str
) -> None:
    path = tmp_path / "properties.yml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=sentence) as caught:
        load_properties(path)
    said = str(caught.value)
    assert said.startswith(str(path))
    assert said.isprintable()
    assert len(said) < 1_000


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read: Is a directory"):
        load_properties(tmp_path)


def test_a_mark_of_utf_8_and_merged_and_shared_settings_are_taken(tmp_path: Path) -> None:
    path = tmp_path / "properties.yml"
    path.write_text(
        "\ufeffproperties:\n"
        "  - &first {key: 1, name: shop, domain: Müller.example, history_start: 2026-05-01, panel: &p {depth: 50}}\n"
        "  - {<<: *first, key: 2, name: blog, panel: {<<: *p, language_code: de}}\n"
    )
    shop, blog = load_properties(path).properties
    assert (shop.domain, blog.domain) == ("xn--mller-kva.example", "xn--mller-kva.example")
    assert (blog.key, blog.panel.depth, blog.panel.language_code) == (2, 50, "de")


def test_many_keywords_are_not_compared_with_each_other() -> None:
    """A hundred thousand would take the better part of an hour."""
    words = [{"keyword": f"word number {number}"} for number in range(100_000)]
    stated: dict[str, Any] = {"key": 1, "name": "shop", "domain": "shop.example", "history_start": "2026-05-01"}
    assert len(Property(**stated, keywords=words).keywords) == 100_000
    with pytest.raises(ValueError, match="keywords stated twice: word number 7, word number 99999"):
        Property(**stated, keywords=[*words, words[99_999], words[7]])


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        (r"^(.*)(.*)(.*)(.*)(.*)\5\4\3\2\1q$", "it takes more than 2 seconds"),
        (r"(a*)(a*)(a*)(a*)(a*)(a*)(a*)!\1\2\3\4\5$", "it takes more than 2 seconds"),
        ("((a{1,255}){1,255}){1,255}", "regular expression is too complex"),
    ],
)
def test_a_pattern_that_would_hold_a_build_up_is_refused_when_it_is_stated(
    database: str, tmp_path: Path, pattern: str, reason: str
) -> None:
    shop = open_shop(tmp_path / "home", database)
    path = shop.home / "properties.yml"
    path.write_text(with_(topics=f"[{{pattern: '{pattern}', topic: x}}]"))
    with pytest.raises(ConfigError, match=f"property shop: PostgreSQL cannot use the topic pattern .*: .*{reason}"):
        Warehouse(Settings(shop.environment)).sync_properties()
    path.write_text(with_(brand=f"['{pattern}']"))
    with pytest.raises(ConfigError, match=f"property shop: PostgreSQL cannot use the brand pattern .*: .*{reason}"):
        Warehouse(Settings(shop.environment)).sync_properties()


@pytest.mark.parametrize("pattern", ["^/(blog|news)/", "^/tea/[a-z0-9-]+/$", "/(?:a|b)*/c$", r"\.html?$"])
def test_usual_patterns_are_taken_and_no_limit_stays_behind(database: str, tmp_path: Path, pattern: str) -> None:
    shop = open_shop(tmp_path / "home", database)
    (shop.home / "properties.yml").write_text(with_(topics=f"[{{pattern: '{pattern}', topic: x}}]"))
    Warehouse(Settings(shop.environment)).sync_properties()
    with psycopg.connect(database) as connection:
        assert connection.execute("select pattern from ops.topic_rule").fetchall() == [(pattern,)]
