"""Our reading of robots.txt (Protego's, and what we do before it) on Google's specification tests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from seo_warehouse.crawl.robots import rules_of

pytestmark = pytest.mark.external

CASES, FILES = 400, 80
_TOKEN = re.compile(
    rb"(robotstxt|testurl|useragent|expected_outcome|additional_explanation)\s*:"
    rb'|("(?:[^"\\]|\\.)*")|(ALLOWED|DISALLOWED)'
)
_ESCAPE = re.compile(rb"\\([0-7]{1,3}|x[0-9a-fA-F]{2}|.)", re.DOTALL)
_LETTERS = {b"n": b"\n", b"r": b"\r", b"t": b"\t"}


class Case(NamedTuple):
    file: str
    robots: bytes
    url: str
    agent: str
    is_allowed: bool


def unescaped(literal: bytes) -> bytes:
    def one(found: re.Match[bytes]) -> bytes:
        code = found[1]
        if code[:1].isdigit():
            return bytes([int(code, 8) & 0xFF])
        if code[:1] == b"x" and len(code) == 3:
            return bytes([int(code[1:], 16)])
        return _LETTERS.get(code, code)

    return _ESCAPE.sub(one, literal[1:-1])


def cases(folder: Path) -> Iterator[Case]:
    """Every expectation, in the order of the files."""
    for path in sorted(folder.rglob("*.textproto")):
        name, field = f"{path.parent.name}/{path.stem}", b""
        values: dict[bytes, bytes] = {}
        for key, literal, outcome in _TOKEN.findall(re.sub(rb"(?m)^\s*#.*$", b"", path.read_bytes())):
            if key:
                field = key
                values[field] = b""
            elif literal:
                values[field] += unescaped(literal)
            elif outcome:
                url, agent = values[b"testurl"].decode(), values[b"useragent"].decode()
                yield Case(name, values[b"robotstxt"], url, agent, outcome == b"ALLOWED")


IMPLICIT = "RFC 9309, 2.2.2: /robots.txt is implicitly allowed; Google's matcher applies the rules to it"
ESCAPED = "the URL has unescaped letters, which Google compares as they are; a URL that we fetch never has"
UNRESERVED = "RFC 9309, 2.2.2: escaped unreserved characters are decoded before the comparison; Google does not"
TOKEN = "the crawler asked for has no product token as name; ours has one"
DISAGREEMENTS: dict[tuple[str, str, str], tuple[int, str]] = {
    ("correctness/non-ascii-paths", "http://foo.bar/foo/bar/ツ", "FooBot"): (2, ESCAPED),
    ("correctness/non-ascii-paths", "http://foo.bar/foo/bar/baz", "FooBot"): (1, UNRESERVED),
    ("correctness/user-agent-name", "http://foo.bar/x/y", "Foo Bar"): (1, TOKEN),
    ("stress/327748", "http://m.example.com/robots.txt", "asdfbot"): (1, IMPLICIT),
    ("stress/369883", "http://example.com/robots.txt", "BarBot"): (1, IMPLICIT),
    ("stress/369883", "http://example.com/robots.txt", "AB"): (1, IMPLICIT),
    ("stress/369883", "http://example.com/foo/bar", "AB42bot"): (1, TOKEN),
    ("stress/369883", "http://example.com/", "AB42bot"): (1, TOKEN),
    ("stress/701159", "http://example.com/foo/bar", "barbarbot-prod"): (
        1,
        "Protego lets a group for barbarbot speak to barbarbot-prod; Google wants the whole token",
    ),
    ("stress/860237", "http://example.com/robots.txt", "XYZ"): (1, IMPLICIT),
}
"""How often we differ from Google on (file, URL, crawler), and why."""


def test_every_disagreement_with_googles_cases_is_known(shared_data: Path) -> None:
    found = list(cases(shared_data / "robots_urls" / "robotstxt_spec_test" / "resources"))
    assert len(found) == CASES
    assert len({(case.file, case.robots) for case in found}) == FILES
    differing = Counter(
        (case.file, case.url, case.agent)
        for case in found
        if rules_of(200, case.robots).allows(case.url, agent=case.agent) != case.is_allowed
    )
    assert differing == {case: count for case, (count, _) in DISAGREEMENTS.items()}
    assert differing.total() == 11
