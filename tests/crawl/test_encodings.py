from __future__ import annotations

import codecs

import pytest
import webencodings
from hypothesis import given, settings
from hypothesis import strategies as st

from seo_warehouse.crawl.encodings import name_of, stated_in_page, text_of, utf8_of


@pytest.mark.parametrize(
    ("label", "text"),
    [
        ("x-sjis", "木のベンチ"),
        ("Windows-31J", "①"),
        ("ks_c_5601-1987", "나무 벤치"),
        ("x-x-big5", "木"),
        ("koi8-ru", "ліс"),
        ("x-gbk", "木"),
    ],
)
def test_labels_of_the_standard_are_known_where_python_has_none(label: str, text: str) -> None:
    name = name_of(f" {label}\n")
    assert name is not None
    assert text_of(text.encode(webencodings.lookup(label).codec_info.name), name) == text


@pytest.mark.parametrize("label", ["idna", "punycode", "hex", "base64", "rot13", "utf-7", "no-such", "", None])
def test_what_is_no_label_of_the_standard_means_nothing(label: str | None) -> None:
    assert name_of(label) is None


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200), st.sampled_from(sorted(set(webencodings.LABELS))))
def test_any_bytes_are_text_in_any_encoding(body: bytes, label: str) -> None:
    name = name_of(label)
    assert name is not None
    text = text_of(body, name)
    assert utf8_of(body, name) == text.encode()
    assert len(text) <= len(body)


def test_long_text_is_read_alike_whole_and_in_pieces() -> None:
    text = "木のbench " * 20_000
    assert utf8_of(text.encode("cp932"), "shift_jis").decode() == text
    assert utf8_of(codecs.BOM_UTF16_LE + text.encode("utf-16-le"), "utf-16le").decode() == text


PIECES = [
    b"<meta",
    b" ",
    b"charset",
    b"=",
    b"'",
    b'"',
    b"koi8-r",
    b"content",
    b"http-equiv=content-type",
    b">",
    b"<!--",
]


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(PIECES) | st.binary(max_size=3), max_size=40).map(b"".join))
def test_a_page_states_an_encoding_or_none(body: bytes) -> None:
    assert stated_in_page(body) in {None, *map(name_of, webencodings.LABELS)}
