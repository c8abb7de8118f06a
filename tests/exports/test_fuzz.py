from __future__ import annotations

import csv
import io
import random
from datetime import date
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.errors import ExportError
from seo_warehouse.exports.forms import read, recognise
from seo_warehouse.exports.repeats import FIRST, Repeats, is_replaced
from seo_warehouse.sources.exports import EXPORTS
from tests.exports.files import WRITTEN, opener, rows_of, zipped
from tests.exports.test_forms import FILES

NAMES = st.sampled_from(
    ["backlinks.csv", "rankings.csv", "pages-2026-02-01.csv", "x.zip", "x.json", "export", "disavow.txt"]
)
FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _rows_or_error(name: str, content: bytes) -> None:
    """Reads all that is recognised; anything but ExportError fails the test."""
    try:
        parts = recognise(name, opener(content), WRITTEN)
    except ExportError:
        return
    for part in parts:
        columns = {column.name for column in EXPORTS.table(part.table).columns}
        rows = list(read(name, opener(content, 13), part))
        assert len(rows) == part.row_count > 0
        assert all(row.keys() == columns for row in rows)
        assert all(part.first_day <= row["day"] <= part.last_day for row in rows)
        grain = EXPORTS.table(part.table).grain
        assert len({tuple(row[name] for name in grain) for row in rows}) == len(rows)


@FEW
@given(NAMES, st.binary(max_size=400))
def test_any_bytes_are_rows_or_a_refusal(name: str, content: bytes) -> None:
    _rows_or_error(name, content)


@FEW
@given(NAMES, st.sampled_from(sorted(FILES)), st.data())
def test_a_damaged_file_is_rows_or_a_refusal(name: str, kind: str, data: st.DataObject) -> None:
    content = FILES[kind]
    damaged = bytearray(content if isinstance(content, bytes) else content.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        match data.draw(st.sampled_from(["change", "cut", "double", "insert"])):
            case "change":
                damaged[at] = data.draw(st.integers(0, 255))
            case "cut":
                del damaged[at : at + data.draw(st.integers(1, 30))]
            case "double":
                damaged[at:at] = damaged[at : at + 40]
            case "insert":
                damaged[at:at] = data.draw(st.sampled_from([b'"', b"\0", b"\n", b",", b"\xff", b"=1+1", "é".encode()]))
        if not damaged:
            break
    _rows_or_error(name, bytes(damaged))


@FEW
@given(
    st.sampled_from(sorted(k for k, v in FILES.items() if isinstance(v, str) and k.endswith(".csv"))),
    st.lists(st.lists(st.text(max_size=12), max_size=12), max_size=8),
)
def test_any_cells_below_known_headings_are_rows_or_a_refusal(kind: str, lines: list[list[str]]) -> None:
    headings = str(FILES[kind]).lstrip("\ufeff").splitlines()[0]
    buffer = io.StringIO()
    csv.writer(buffer).writerows(lines)
    _rows_or_error(kind, f"{headings}\n{buffer.getvalue()}".encode("utf-8", "replace"))


@FEW
@given(
    st.dictionaries(
        st.text(st.characters(exclude_characters="\0"), min_size=1, max_size=12),
        st.text(max_size=60),
        min_size=1,
        max_size=4,
    )
)
def test_any_zip_is_rows_or_a_refusal(entries: dict[str, str]) -> None:
    encoded = {
        name.encode("utf-8", "replace").decode(): text.encode("utf-8", "replace") for name, text in entries.items()
    }
    _rows_or_error("x.zip", zipped({"Chart.csv": "Date,Clicks,Impressions\n2026-02-01,1,2\n", **encoded}))


# Texts that survive as they are: without blanks around them, and not understood as a formula or a wrapped text.
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=("Cs", "Cc", "Zs", "Cf")), max_size=30
)
PLAIN_TEXTS = TEXTS.map(lambda text: text.lstrip("=+-@").strip("\u2028\u2029") or None)
LINKS = st.fixed_dictionaries(
    {
        "observed_on": st.dates(date(2000, 1, 1), date(2026, 3, 2)),
        "source_url": st.integers(0, 9).map(lambda number: f"https://a{number}.example/"),
        "target_url": st.just("https://shop.example/"),
        "anchor": PLAIN_TEXTS,
        "rel": st.none() | st.sets(st.sampled_from(["nofollow", "sponsored", "ugc"])).map(lambda s: tuple(sorted(s))),
        "authority": st.none() | st.integers(0, 10_000).map(lambda number: number / 100),
        "is_lost": st.none() | st.booleans(),
        "http_status": st.none() | st.integers(0, 999),
    }
)


def _written(value: Any, shape: random.Random) -> str:
    """A value as somebody writes it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return shape.choice([("no", "yes"), ("false", "TRUE"), ("0", "1")])[value]
    if isinstance(value, tuple):
        return shape.choice([" ", ", ", ";"]).join(value) or "followed"
    if isinstance(value, date):
        return shape.choice([value.isoformat(), f"{value:%d.%m.%Y}", f"{value:%Y/%m/%d}", f"{value:%d %b %Y}"])
    return str(value)


@FEW
@given(
    st.lists(LINKS, min_size=1, max_size=8),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]),
    st.randoms(use_true_random=False),
)
def test_what_is_written_in_any_dialect_is_read_as_it_was(
    links: list[dict[str, Any]], delimiter: str, encoding: str, end: str, quoting: int, shape: random.Random
) -> None:
    names = list(links[0])
    shape.shuffle(names)
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=delimiter, lineterminator=end, quoting=quoting)  # type: ignore[arg-type]
    writer.writerow(names)
    for link in links:
        writer.writerow([_written(link[name], shape) for name in names])
    found = rows_of("backlinks.csv", buffer.getvalue().encode(encoding))
    expected = {(link["observed_on"], link["source_url"], link["anchor"]): link for link in links}
    assert len(found) == len(expected)
    for row in found:
        link = expected[row["day"], row["source_url"], row["anchor"]]
        assert {name: row["day" if name == "observed_on" else name] for name in names} == link


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 2)), max_size=60))
def test_of_rows_of_one_grain_the_last_stands(rows: list[tuple[int, int]]) -> None:
    repeats = Repeats()
    for grain, content in rows:
        repeats.see(("grain", grain), ("row", grain, content))
    judged = repeats.judge()
    repeats.close()
    last = {grain: number for number, (grain, _) in enumerate(rows)}
    kept = [number for number in range(len(rows)) if not is_replaced(judged.replaced, number)]
    assert kept == sorted(last.values())
    following = [
        next((other for other in rows[number + 1 :] if other[0] == row[0]), None) for number, row in enumerate(rows)
    ]
    otherwise = [n for n, (row, other) in enumerate(zip(rows, following, strict=True)) if other and row != other]
    assert judged.equal == sum(row == other for row, other in zip(rows, following, strict=True))
    assert judged.equal + judged.contradicted == len(rows) - len(kept)
    assert judged.contradicted == len(otherwise)
    assert judged.first == set(otherwise[:FIRST])
