"""The files of a report: the page, and each picture as SVG and PNG beside it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from seo_warehouse.report.drawing import Picture, to_png, to_svg_file
from seo_warehouse.report.facts import Facts
from seo_warehouse.report.page import compose, render_page
from seo_warehouse.report.timelines import Timeline


def write_files(folder: Path, facts: Facts, timelines: tuple[Timeline, ...]) -> list[Path]:
    """Write a report, the page last. Returns the paths, the page first.

    Each file is written aside and renamed, so that a reader meets the old one or the new one, whole; pictures of an
    earlier report that this one lacks are removed.
    """
    report = compose(facts, timelines)
    folder.mkdir(parents=True, exist_ok=True)
    pictures = [_put(folder / name, content) for picture in report.pictures for name, content in _exports(picture)]
    page = _put(folder / "index.html", render_page(report).encode("utf-8", "replace"))
    for stale in {*folder.glob("*.svg"), *folder.glob("*.png"), *folder.glob(".*.new")} - {*pictures}:
        stale.unlink()
    return [page, *pictures]


def _exports(picture: Picture) -> Iterator[tuple[str, bytes]]:
    yield f"{picture.name}.svg", to_svg_file(picture).encode("utf-8", "replace")
    yield f"{picture.name}.png", to_png(picture)


def _put(path: Path, content: bytes) -> Path:
    aside = path.with_name(f".{path.name}.new")
    aside.write_bytes(content)
    return aside.replace(path)
