"""Files that are known and not read: what each is, and what to drop instead.

Each is told by headings that the vendor writes. A form of ours of which some needed headings are there, and others are
not, is named with those that lack.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from seo_warehouse.errors import ExportError
from seo_warehouse.exports import search_console
from seo_warehouse.exports.generic import GENERIC
from seo_warehouse.exports.layout import headings, match, plain
from seo_warehouse.exports.search_console import SUMMARIES, TOTALS
from seo_warehouse.exports.vendors import VENDORS

LIKE = 3
"""Headings of a form that make a file one of it, though needed ones lack."""


@dataclass(frozen=True)
class Stranger:
    """A file with all of `headings`, and no others where `is_whole`."""

    headings: frozenset[str]
    what: str
    instead: str
    is_whole: bool = False

    def fits(self, names: frozenset[str]) -> bool:
        """Whether a file with these plain headings is it."""
        return names == self.headings if self.is_whole else names >= self.headings


STRANGERS = (
    Stranger(
        headings("Page URL", "Referring domains", "Links to target"),
        "Ahrefs' Best by links, which lists pages and no links",
        "export Backlinks of the same site",
    ),
    Stranger(
        headings("Source Url", "Target Url", "Anchor Text"),
        "Bing Webmaster Tools' Backlinks, as far as its headings tell",
        "rename 'Anchor Text' to 'anchor' and drop it as backlinks.csv, or let the nights ask Bing (bing_webmaster)",
        is_whole=True,
    ),
    Stranger(
        headings("Source url", "Target url", "Toxicity Score"),
        "Semrush's Backlink Audit",
        "export Backlinks of Backlink Analytics, whose Page ascore is read",
    ),
    Stranger(
        headings("Keyword", "Position", "Previous position", "Search Volume", "Timestamp"),
        "Semrush's Organic Research: Positions, which says neither country nor device",
        "drop it as rankings.csv with the columns keyword, position, url, checked_on (Timestamp), country and device",
    ),
    Stranger(
        headings("Keyword", "Volume", "Current position", "Current URL"),
        "Ahrefs' Organic keywords",
        "drop it as rankings.csv with the columns keyword, position, url, checked_on, country and device",
    ),
    Stranger(
        headings("Domain", "DR", "Links to target"),
        "Ahrefs' Referring domains, which lists domains and no links",
        "export Backlinks of the same site",
    ),
    Stranger(
        headings("URL", "UR", "Traffic", "Top keyword"),
        "Ahrefs' Top pages, which says of no day what position a page had",
        "export Backlinks for links, or your rank tracker's table for positions",
    ),
    Stranger(
        headings("Keyword", "Volume", "KD", "SERP features", "CPC"),
        "a list of keywords of Ahrefs, with their volumes and no positions of yours by day",
        "for facts about keywords drop keywords.csv with the columns keyword, page_url, topic and brand",
    ),
    Stranger(
        headings("#", "Keyword", "Country", "Difficulty", "Volume"),
        "Ahrefs' Keywords Explorer, which knows volumes and no positions of yours",
        "for facts about keywords drop keywords.csv with the columns keyword, page_url, topic and brand",
    ),
    Stranger(
        headings("Keyword", "Volume", "Keyword Difficulty"),
        "Semrush's keyword research, which knows volumes and no positions of yours",
        "for facts about keywords drop keywords.csv with the columns keyword, page_url, topic and brand",
    ),
    Stranger(
        headings("Type", "Source", "Destination", "Link Path", "Link Position"),
        "a list of links within the site by Screaming Frog",
        "export Internal: All",
    ),
)


def refuse(name: str, rows: Iterable[list[str]]) -> None:
    """Raise ExportError, with what the file is and what to do, where a line of headings tells it."""
    for row in rows:
        names = frozenset(found for cell in row if (found := plain(cell)))
        _refuse_sheet(name, row)
        for stranger in STRANGERS:
            if stranger.fits(names):
                raise ExportError(f"{name} is {stranger.what}: {stranger.instead}")
        _refuse_incomplete(name, row, names)


def _refuse_sheet(name: str, row: list[str]) -> None:
    if search_console.compares(row):
        raise ExportError(f"{name} compares two ranges of days: export one range")
    if any(not match(form, row).missing for form in (TOTALS, *SUMMARIES.values())):
        raise ExportError(
            f"{name} is one sheet of Search Console's export, and does not say what the others do"
            " (which days, which filters): drop the whole zip"
        )


def _refuse_incomplete(name: str, row: list[str], names: frozenset[str]) -> None:
    """A vendor's file that a column was taken out of has more of its form's headings than of what people write."""
    form = max(VENDORS, key=lambda form: len(names & set(form.known())))
    known = len(names & set(form.known()))
    missing = match(form, row).missing
    needed = sum(f.is_needed for f in form.fields)
    if (
        missing
        and 2 * len(missing) <= needed
        and known >= LIKE
        and known > max(len(names & set(written.known())) for written in GENERIC)
    ):
        lacking = " and ".join(repr(f.label) for f in missing)
        raise ExportError(f"{name} looks like {form.label}, without {lacking}: export it again with all of its columns")
