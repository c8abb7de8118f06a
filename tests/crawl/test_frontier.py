from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from seo_warehouse.crawl.frontier import BACKLINKED, LISTED, Entry, Frontier

Graph = dict[str, list[str]]


def frontier(**changes: int) -> Frontier:
    return Frontier(**{"max_pages": 1_000, "max_depth": 50, "max_redirects": 5, "max_urls": 10_000, **changes})


def finish(queue: Frontier, entry: Entry, *, is_allowed: bool = True) -> None:
    queue.finish(entry, is_allowed=is_allowed, status=200, error=None, location=None, at="2026-11-22T00:00:00+00:00")


def walk(queue: Frontier, graph: Graph, seed: int) -> list[tuple[str, int | None]]:
    """Crawl a graph with up to 8 requests in flight that end in an order of their own."""
    chosen, flying = random.Random(seed), []
    while True:
        while len(flying) < 8 and (entry := queue.next()):
            flying.append(entry)
        if not flying:
            return [(row.url, row.depth) for row in queue.asked()]
        entry = flying.pop(chosen.randrange(len(flying)))
        queue.add_links(entry, graph.get(entry.url, []))
        finish(queue, entry)


def depths(graph: Graph, starts: list[str]) -> dict[str, int]:
    """Breadth first, by the book."""
    found, wave = {}, list(starts)
    for depth in range(len(graph) + 2):
        found |= {url: depth for url in wave if url not in found}
        wave = [target for url in wave for target in graph.get(url, []) if target not in found]
    return found


NODES = [f"/{n}" for n in range(12)]
GRAPHS = st.dictionaries(st.sampled_from(NODES), st.lists(st.sampled_from(NODES), max_size=5, unique=True))


@settings(deadline=None)
@given(GRAPHS, st.integers(), st.integers())
def test_depth_and_order_are_the_sites_own_however_answers_overtake(graph: Graph, one: int, other: int) -> None:
    walks = []
    for seed in (one, other):
        queue = frontier()
        queue.add_starts(["/0"])
        walks.append(walk(queue, graph, seed))
        assert not queue.has_more()
    assert walks[0] == walks[1]
    assert dict(walks[0]) == depths(graph, ["/0"])


def test_what_sitemaps_name_comes_last_unless_links_lead_there() -> None:
    queue = frontier()
    queue.add_listed(["/linked", "/orphan"])
    queue.add_starts(["/"])
    assert walk(queue, {"/": ["/linked"], "/orphan": ["/below"]}, 0) == [
        ("/", 0), ("/linked", 1), ("/orphan", None), ("/below", None),
    ]  # fmt: skip
    assert {row.url for row in queue.asked() if row.is_in_sitemap} == {"/linked", "/orphan"}


def test_a_redirect_leads_on_at_the_same_depth_before_what_lies_deeper() -> None:
    queue = frontier(max_redirects=1)
    queue.add_starts(["/"])
    start = queue.next()
    assert start is not None
    queue.add_links(start, ["/deep"])
    queue.add_redirect(start, "/target")
    finish(queue, start)
    target = queue.next()
    assert target is not None
    assert (target.url, target.depth, target.hop) == ("/target", 0, 1)
    queue.add_redirect(target, "/too-far")
    finish(queue, target)
    deep = queue.next()
    assert deep is not None
    assert deep.url == "/deep"


def test_a_wave_is_complete_before_the_next_begins() -> None:
    queue = frontier()
    queue.add_starts(["/"])
    start = queue.next()
    assert start is not None
    queue.add_links(start, ["/a"])
    assert queue.next() is None
    assert queue.has_more()
    finish(queue, start)
    assert queue.next() is not None


def test_limits_hold_and_are_named() -> None:
    queue = frontier(max_urls=3, max_pages=2)
    queue.add_starts(["/", "/a", "/b", "/c", "/" + "x" * 3_000])
    assert [url for url, _ in walk(queue, {}, 0)] == ["/", "/a"]
    assert queue.caps == {"max_urls", "max_pages", "url_length"}
    queue = frontier(max_depth=0)
    queue.add_starts(["/"])
    assert walk(queue, {"/": ["/"]}, 0) == [("/", 0)]
    assert queue.caps == set()


def test_what_robots_refuses_uses_up_no_page() -> None:
    queue = frontier(max_pages=1)
    queue.add_starts(["/refused", "/"])
    refused = queue.next()
    assert refused is not None
    assert queue.next() is None
    finish(queue, refused, is_allowed=False)
    assert queue.next() is not None


def test_links_from_listed_pages_keep_their_phase() -> None:
    queue = frontier()
    queue.add_listed(["/orphan"])
    entry = queue.next()
    assert entry is not None
    assert entry.phase == LISTED


def test_what_only_other_sites_link_to_comes_last_and_leads_on_by_redirects_alone() -> None:
    queue = frontier()
    queue.add_backlinked(["/linked", "/listed", "/old"])
    queue.add_listed(["/listed"])
    queue.add_starts(["/"])
    assert walk(queue, {"/": ["/linked"], "/old": ["/below"]}, 0) == [
        ("/", 0), ("/linked", 1), ("/listed", None), ("/old", None),
    ]  # fmt: skip
    queue = frontier()
    queue.add_backlinked(["/old"])
    entry = queue.next()
    assert entry is not None
    assert entry.phase == BACKLINKED
    queue.add_redirect(entry, "/new")
    finish(queue, entry)
    assert walk(queue, {}, 0) == [("/old", None), ("/new", None)]


@settings(deadline=None)
@given(st.integers(0, 9), st.integers(1, 12), st.integers(0, 9), st.integers())
def test_pages_leave_room_for_what_other_sites_link_to(sites: int, pages: int, others: int, seed: int) -> None:
    """Half of the pages at most, one for itself and one for where it redirects to; and never more than there may be."""
    queue = frontier(max_pages=pages)
    queue.add_starts([f"/{n}" for n in range(sites)])
    queue.add_backlinked([f"/old-{n}" for n in range(others)])
    asked = [url for url, _ in walk(queue, {}, seed)]
    old = [url for url in asked if url.startswith("/old-")]
    kept = min(2 * others, pages // 2)
    assert len(asked) - len(old) == min(sites, pages - kept)
    assert old == [f"/old-{n}" for n in range(min(others, pages - (len(asked) - len(old))))]
    assert queue.caps == ({"max_pages"} if len(asked) < sites + others else set())
    assert not queue.has_more()


@settings(deadline=None)
@given(GRAPHS, st.lists(st.sampled_from(NODES), max_size=6), st.integers(2, 14), st.integers(), st.integers())
def test_the_order_with_backlinks_is_the_sites_own_too(
    graph: Graph, backlinked: list[str], pages: int, one: int, other: int
) -> None:
    walks = []
    for seed in (one, other):
        queue = frontier(max_pages=pages)
        queue.add_starts(["/0"])
        queue.add_backlinked(backlinked)
        walks.append(walk(queue, graph, seed))
        assert len(walks[-1]) <= pages
        assert not queue.has_more()
    assert walks[0] == walks[1]
