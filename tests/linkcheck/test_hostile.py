from __future__ import annotations

import pytest

from seo_warehouse.crawl.parse import MAX_REL_TOKENS
from seo_warehouse.linkcheck.grades import Expected
from tests.crawl.hostile import PAGES
from tests.linkcheck.pages import LINK, TARGET, graded, visit


@pytest.mark.parametrize("body", PAGES.values(), ids=PAGES)
@pytest.mark.timeout(60)
def test_a_page_made_to_keep_us_busy_is_graded(body: bytes) -> None:
    assert graded(visit(body + LINK.encode())).grade


def test_a_page_nested_beyond_all_measure_loses_no_link() -> None:
    assert graded(visit(PAGES["deep nesting"])).grade == "unsupported"


def test_rel_of_ten_thousand_tokens_is_read_to_an_end() -> None:
    rel = "nofollow " + " ".join(f"x{n}" for n in range(10_000))
    verdict = graded(f'<a rel="{rel}" href="{TARGET}">red shoes</a>')
    assert (verdict.grade, verdict.rel) == ("rel_changed", ("nofollow",))
    assert MAX_REL_TOKENS < 10_000


def test_the_same_link_ten_times_is_one() -> None:
    links = "".join(f'<p><a rel="{rel}" href="{TARGET}">red shoes</a>' for rel in ["nofollow", "ugc", ""] * 3)
    assert (graded(links).link_count, graded(links).rel, graded(links).grade) == (9, (), "live")


def test_words_of_any_alphabet_and_broken_text_are_kept() -> None:
    for words in ("красные туфли", "赤い靴", "a\x00b", "\ud800".encode("utf-8", "replace").decode(), "👟" * 3_000):
        verdict = graded(f'<a href="{TARGET}">{words}</a>')
        assert verdict.presence == "present"
        assert verdict.anchor is not None
        assert "\x00" not in verdict.anchor
        assert len(verdict.anchor) <= 2_000


def test_a_page_in_another_encoding_is_read() -> None:
    body = f'<meta charset=shift_jis><a href="{TARGET}">赤い靴</a>'.encode("shift_jis")
    assert graded(visit(body, headers={"content-type": "text/html"})).anchor == "赤い靴"


def test_a_host_in_another_alphabet_is_the_same_in_ascii() -> None:
    expected = Expected(frozenset({"https://xn--bcher-kva.shop.example/"}))
    assert graded('<a href="https://BÜCHER.shop.example">x</a>', expected).grade == "live"
