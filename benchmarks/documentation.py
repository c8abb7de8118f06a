"""Whether crawls of large documentation sites find exactly what an independent count finds, and how long they take."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import click

from benchmarks.measuring import say
from tests.crawl.documentation import APACHE, PYTHON, SQLITE, Site, counted, crawled

SITES = (PYTHON, APACHE, SQLITE)


def compare(site: Site) -> bool:
    """Whether both find the same; says what was found."""
    expected = counted(site)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="seo-warehouse-bench-") as folder:
        found = crawled(site, Path(folder))
    seconds = time.monotonic() - began
    say(f"{site.host}: {len(found.statuses)} URLs, {found.links.total()} links, {seconds:.1f} s")
    return found == expected


@click.command()
def main() -> None:
    """Compare each site's crawl."""
    missing = " ".join(site.package for site in SITES if not site.is_installed)
    if missing:
        raise SystemExit(f"to be crawled, but not there: apt-get install {missing}")
    different = [site.host for site in SITES if not compare(site)]
    if different:
        raise SystemExit(f"not as counted: {', '.join(different)}")


if __name__ == "__main__":
    main()
