from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.linkcheck.shapes import is_same_shape, shape_of
from seo_warehouse.linkcheck.texts import is_alike, runs_of, similarity

WORDS = st.lists(st.sampled_from("abcdefg"), min_size=24, max_size=60).map(" ".join)
LONG = " ".join(str(n) for n in range(40))


@given(WORDS)
def test_a_text_is_wholly_like_itself_whatever_its_case_and_blanks(text: str) -> None:
    other = text.upper().replace(" ", "\n ")
    assert similarity(text, other) in (None, 1.0)


@given(WORDS, WORDS)
def test_alikeness_has_no_direction_and_is_a_share(one: str, other: str) -> None:
    found = similarity(one, other)
    assert found == similarity(other, one)
    assert found is None or 0 <= found <= 1


def test_runs_are_of_five_words_and_counted_as_a_set() -> None:
    assert runs_of("a b c d e f") == {tuple("abcde"), tuple("bcdef")}
    assert runs_of("a b c d") == frozenset()
    assert similarity(LONG, f"{LONG} 40 41 42 43") == 36 / 40


def test_a_text_of_few_words_is_like_no_other() -> None:
    short = " ".join(str(n) for n in range(23))
    assert similarity(short, short) is None
    assert not is_alike(short, short)
    assert is_alike(f"{short} 23", f"{short} 23")


def test_a_text_made_to_fill_memory_is_cut() -> None:
    assert len(runs_of(" ".join(str(n) for n in range(200_000)))) < 20_000


def test_a_shape_leaves_out_habits_and_keeps_what_may_mean_something() -> None:
    assert shape_of("http://www.a.example/b/index.html") == "a.example/b"
    assert is_same_shape("https://a.example", "http://www.a.example/Default.aspx")
    assert is_same_shape("https://A.example/b/?q=1", "http://a.example/b?q=1")
    assert not is_same_shape("https://m.a.example/b", "https://a.example/b")
    assert not is_same_shape("https://a.example/B", "https://a.example/b")
    assert not is_same_shape("https://a.example/b/amp", "https://a.example/b")
    assert shape_of("mailto:a@b.example") is None
