"""Links that inline style hides are told, and those that are seen are not."""

from __future__ import annotations

import pytest

from seo_warehouse.crawl.parse import Link, parse_page

HTML = {"content-type": "text/html; charset=utf-8"}


def links(body: str) -> tuple[Link, ...]:
    return parse_page("https://blog.example/a", HTML, body.encode(), max_links=9_000).links


@pytest.mark.parametrize(
    "body",
    [
        '<p style="display:none">Read <a href="/x">this</a>',
        '<div style="color:red; DISPLAY : None !important"><p><span><a href="/x">this</a>',
        '<a href="/x" style="display:none"><img src="i.png" alt="this"></a>',
        '<a href="/x" style="font-size:0">this</a>',
        '<a href="/x" style="font-size: 0.0em">this</a>',
        '<body style="background:#FFF"><p><a href="/x" style="color:white">this</a>',
        '<p style="background-color: rgb(255, 255, 255)"><a href="/x" style="color:#ffffff">this</a>',
        '<a href="/x" style="color:red;color:#000080;background-color:navy">this</a>',
    ],
)
def test_what_inline_style_hides_is_hidden(body: str) -> None:
    assert [link.is_hidden for link in links(body)] == [True]


@pytest.mark.parametrize(
    "body",
    [
        '<a href="/x">this</a>',
        '<p style="display:none">not here</p><a href="/x">this</a>',
        '<p style="font-size:0"><a href="/x">this</a>',
        '<a href="/x" style="font-size:0"><img src="i.png" alt="this"></a>',
        '<a href="/x" style="font-size:0.9em;line-height:0">this</a>',
        '<a href="/x" style="color:white">this</a>',
        '<p style="background:url(w.png) white"><a href="/x" style="color:white">this</a>',
        '<p style="background:white"><b style="background:black"><a href="/x" style="color:white">this</a>',
        '<a href="/x" style="color:inherit;background:inherit">this</a>',
        '<a href="/x" style=";;:;color">this</a>',
    ],
)
def test_what_is_seen_or_nobody_knows_is_not(body: str) -> None:
    assert [link.is_hidden for link in links(body)] == [False]


def test_each_link_of_a_page_is_judged_by_what_stands_around_it() -> None:
    found = links(
        '<nav style="display:none"><ul><li><a href="/1">one</a><li><a href="/2">two</a></ul></nav>'
        '<ul><li><a href="/3">three</a><li style="display:none"><a href="/4">four</a><li><a href="/5">five</a></ul>'
    )
    assert [link.is_hidden for link in found] == [True, True, False, True, False]


@pytest.mark.parametrize(
    "body",
    [
        '<div style="background:red">' * 900 + '<a href="/x" style="color:white">x</a>' * 900,
        f'<div style="{"a:b;" * 490}">' * 40 + '<a href="/x" style="color:white">x</a>' * 5_000,
        f'<a href="/x" style="font-size:{"0" * 1_980}x">x</a>' * 2_000,
    ],
)
def test_a_page_of_many_or_long_styles_ends(body: str) -> None:
    assert not any(link.is_hidden for link in links(body))
