from __future__ import annotations

import codecs
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seo_warehouse.crawl.parse import Page, parse_links, parse_page, parse_ways
from seo_warehouse.crawl.ways import MAX_URL
from tests.crawl.hostile import PAGES

URL = "https://www.shop.example/dir/page"
HTML = {"content-type": "text/html; charset=utf-8"}


def page(body: str | bytes, headers: dict[str, str] | None = None, url: str = URL, max_links: int = 1_000) -> Page:
    content = body.encode() if isinstance(body, str) else body
    return parse_page(url, HTML if headers is None else headers, content, max_links=max_links)


def test_titles_and_headings_are_read_as_they_are_seen() -> None:
    found = page(
        "<title> Big\n  shoes </title><h1>Sh<b>o</b>es <i>and</i></h1><h3>a<br>b</h3><svg><title>x</title></svg>"
    )
    assert found.title == "Big shoes"
    assert found.headings == ((1, "Shoes and"), (3, "a b"))


def test_a_drawings_title_is_not_the_pages() -> None:
    assert page("<body><svg><title>drawing</title></svg><p>text").title is None


def test_words_are_those_that_are_seen() -> None:
    found = page(
        "<title>no</title><p>W<b>or</b>d one</p><ul><li>two</li><li>three</li></ul>-- four-4, <script>a b</script>"
        "<style>c</style><template>d e</template><noscript>f g</noscript><!-- h -->"
    )
    assert found.word_count == 5


def test_the_content_hash_changes_with_what_is_seen_only() -> None:
    same = page("<title>t</title><h1>a</h1><p class=x>b c")
    assert page("<title>t</title><h1 id=1>a</h1>\n<p>b   c<script>1</script>").content_hash == same.content_hash
    assert page("<title>t</title><h2>a</h2><p>b c").content_hash != same.content_hash
    assert page("<title>u</title><h1>a</h1><p>b c").content_hash != same.content_hash
    assert page("<title>t</title><h1>a</h1><p>b d").content_hash != same.content_hash


def test_links_are_resolved_and_kept_as_they_stand() -> None:
    found = page(
        '<a href="../a?b=C#d">1</a><a href="//Other.Example:443/x y">2</a><a href="#top">3</a><a href="">4</a>'
        '<a href="mailto:a@b.example">5</a><a href="javascript:void(0)">6</a><a>7</a>'
        '<a href="https://user:secret@shop.example/">8</a><a href="http://[broken">9</a><a href="page#part">10</a>'
    )
    assert [link.target for link in found.links] == [
        "https://www.shop.example/a?b=C#d",
        "https://other.example/x%20y",
        URL,
        "https://shop.example/",
        f"{URL}#part",
    ]


def test_a_base_element_is_respected() -> None:
    body = '<base href="/other/"><base href="/not/"><a href="a">1</a><a href="#x">2</a><link rel=canonical href=c>'
    found = page(body)
    assert [link.target for link in found.links] == [
        "https://www.shop.example/other/a",
        "https://www.shop.example/other/#x",
    ]
    assert found.canonical == "https://www.shop.example/other/c"
    assert page('<base href="javascript:1"><a href="a">1</a>').links[0].target == "https://www.shop.example/dir/a"


def test_anchors_are_text_else_the_alternative_of_an_image() -> None:
    found = page(
        '<a href=1>  Big <b>s</b>ale<script>x</script></a><a href=2><img alt="A shoe"><img alt=too></a>'
        "<a href=3>text<img alt=no></a><map><area href=4 alt=Area></map><a href=5></a>"
        "<a href=6><div>x</div><div>y</div></a>"
    )
    assert [link.anchor for link in found.links] == ["Big sale", "A shoe too", "text", "Area", "", "x y"]


def test_a_link_that_is_never_closed_is_one_link() -> None:
    found = page("<ul><li><a href=1>one</li><li><a href=2>two</a></li><li><a href=2></a></li></ul>")
    assert [(link.target[-1], link.anchor) for link in found.links] == [("1", "one"), ("2", "two"), ("2", "")]


def test_rel_is_a_list_in_lower_case_and_in_order() -> None:
    found = page('<a href=1 rel="NoFollow  ugc nofollow">x</a><a href=2 rel>x</a><a href=3>x</a>')
    assert [link.rel for link in found.links] == [("nofollow", "ugc"), (), ()]


def test_rel_may_be_a_list_with_commas() -> None:
    found = page('<a href=1 rel="nofollow, noindex">x</a><a href=2 rel="ugc,NoFollow,">x</a><a href=3 rel=",">x</a>')
    assert [link.rel for link in found.links] == [("nofollow", "noindex"), ("ugc", "nofollow"), ()]


@pytest.mark.parametrize(
    ("content", "redirect", "later"),
    [
        ("0; URL=/en/", "/en/", None),
        ("0;/en", "/en", None),
        (" 00 , url = '/a b'; x", "/a%20b", None),
        (".5 /en#part", "/en", None),
        ("0;url=https://user:secret@other.example/", "https://other.example/", None),
        ("5;url=/en", None, "/en"),
        ("0", None, None),
        ("0;url=#top", None, None),
        ("0;url=page", None, None),
        ("0;url=javascript:go()", None, None),
        ("soon;url=/en", None, None),
        ("1" * 200_000, None, None),
    ],
)
def test_a_refresh_leads_where_it_says(content: str, redirect: str | None, later: str | None) -> None:
    def absolute(path: str | None) -> str | None:
        return path and (path if path.startswith("https:") else f"https://www.shop.example{path}")

    body = f'<meta http-equiv=refresh content="x"><META HTTP-EQUIV=Refresh CONTENT="{content}">'.encode()
    found = parse_ways(URL, HTML, body, max_links=9)
    assert (found.redirect, found.later) == (absolute(redirect), absolute(later))
    found = parse_ways(URL, {**HTML, "refresh": content}, b"", max_links=9)
    assert (found.redirect, found.later) == (absolute(redirect), absolute(later))


def test_a_refresh_for_those_without_scripts_is_none() -> None:
    body = b"<noscript><meta http-equiv=refresh content=0;/plain></noscript><a href=/a>x</a>"
    found = parse_ways(URL, HTML, body, max_links=9)
    assert (found.targets, found.redirect) == (("https://www.shop.example/a",), None)


def test_the_place_of_a_link_is_the_nearest_part_around_it() -> None:
    found = page(
        "<header><a href=1>x</a><nav><a href=2>x</a></nav></header><main><a href=3>x</a><aside><a href=4>x</a></aside>"
        '<article><footer><a href=5>x</a></footer></article></main><div role="navigation"><p><a href=6>x</a></p></div>'
        "<a href=7>x</a><footer><main><a href=8>x</a></main><a href=9>x</a></footer>"
    )
    places = ["header", "nav", "main", "aside", "footer", "nav", "main", "main", "footer"]
    assert [link.place for link in found.links] == places


def test_links_beyond_the_limit_are_cut() -> None:
    body = "".join(f"<a href={n}>x</a>" for n in range(5))
    assert (len(page(body, max_links=5).links), page(body, max_links=5).is_cut) == (5, False)
    assert (len(page(body, max_links=4).links), page(body, max_links=4).is_cut) == (4, True)


def test_the_pages_canonical_goes_before_its_headers() -> None:
    headers = {**HTML, "link": '</h>; rel="canonical", </x>; rel=preload'}
    assert page("", headers).canonical == "https://www.shop.example/h"
    assert page('<link rel="alternate CANONICAL" href="/p#x">', headers).canonical == "https://www.shop.example/p#x"
    assert page("<link rel=canonical href=''>").canonical is None


def test_a_tracking_image_in_the_head_hides_no_canonical() -> None:
    body = "<head><noscript><img src=x></noscript><link rel=canonical href=/c></head>"
    assert page(body).canonical == "https://www.shop.example/c"


def test_directives_of_page_and_header_are_kept_apart() -> None:
    headers = {**HTML, "x-robots-tag": "noindex, bingbot: none\ngooglebot: nofollow, max-snippet:5\nNoArchive"}
    found = page('<meta name="Robots" content="NoIndex, follow"><meta name=googlebot content="nosnippet">', headers)
    assert found.meta_robots == ("noindex", "follow", "nosnippet")
    assert found.x_robots_tag == ("noindex", "nofollow", "max-snippet:5", "noarchive")


def test_a_date_in_a_directive_is_not_split() -> None:
    headers = {**HTML, "x-robots-tag": "unavailable_after: Saturday, 25 Jun 2026 15:00:00 GMT, noarchive"}
    assert page("", headers).x_robots_tag == ("unavailable_after: saturday, 25 jun 2026 15:00:00 gmt", "noarchive")


def test_alternates_by_language_come_from_page_and_header() -> None:
    headers = {**HTML, "link": '<https://shop.example/fr>; rel="alternate"; hreflang="fr-FR"'}
    found = page("<link rel=alternate hreflang=DE href=/de><link rel=alternate type=rss href=/feed>", headers)
    assert found.hreflangs == (("de", "https://www.shop.example/de"), ("fr-fr", "https://shop.example/fr"))


def test_structured_data_of_all_three_kinds_is_found() -> None:
    graph = {"@context": "https://schema.org", "@graph": [{"@type": ["Product", "Car"], "offers": {"@type": "Offer"}}]}
    other = {"@context": "https://www.w3.org/ns/activitystreams", "@type": "Note", "x": {"@type": "schema:Person"}}
    found = page(
        f'<script type="application/ld+json">{json.dumps(graph)}</script>'
        f'<script type="application/ld+json">{json.dumps(other)}</script><script type="application/ld+json">{{</script>'
        '<div itemtype="http://schema.org/Recipe https://schema.org/Thing https://other.example/X"></div>'
        '<div vocab="https://schema.org/"><p typeof="Event foaf:Agent"></p></div><p typeof="schema:Place Nowhere"></p>'
    )
    assert found.structured_data_types == (
        "Car", "Event", "Offer", "Person", "Place", "Product", "Recipe", "Thing",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        ("<title>é€</title>".encode(), "text/html"),
        ("<title>é€</title>".encode(), "text/html; charset=utf-8"),
        (codecs.BOM_UTF8 + "<title>é€</title>".encode(), "text/html; charset=iso-8859-1"),
        (codecs.BOM_UTF16_LE + "<title>é€</title>".encode("utf-16-le"), "text/html; charset=utf-8"),
        ("<title>é€</title>".encode("cp1252"), "text/html; charset=iso-8859-1"),
        ("<title>é€</title>".encode("cp1252"), "text/html"),
        ("<meta charset=windows-1252><title>é€</title>".encode("cp1252"), "text/html"),
        ("<title>é€</title>".encode(), "text/html; charset=punycode"),
        ("<title>é€</title>".encode(), "text/html; charset=no-such"),
        ("<title>é€</title>".encode("gb18030"), 'text/html; charset="GB2312"'),
        ("<meta charset=x-cp1252><title>é€</title>".encode("cp1252"), "text/html; charset=hex"),
        ("<META Content='text/html;charset=\"x-gbk\"' http-equiv=content-type><title>é€</title>".encode("gb18030"), ""),
        ("<!-- <meta charset=big5> --><meta charset=utf-16><title>é€</title>".encode(), "text/html"),
        ("<title>é€</title>".encode("utf-16-le"), "text/html; charset=ucs-2"),
        ("<?xml version='1.0' encoding='x-cp1252'?><title>é€</title>".encode("cp1252"), "application/xhtml+xml"),
    ],
)
def test_encodings_are_found_as_browsers_do(body: bytes, content_type: str) -> None:
    assert page(body, {"content-type": content_type}).title == "é€"


def test_a_wrong_encoding_crashes_nothing() -> None:
    assert page("<title>дом</title>".encode("utf-16-be"), {"content-type": "text/html; charset=euc-kr"}).links == ()


TAGS = st.sampled_from(
    "a area base link meta title h1 div p span script template noscript svg math table td header nav main img iframe"
    " select option textarea form b br style frameset".split()
)
VALUES = st.text(max_size=20) | st.sampled_from(
    ["http://a.example/", "#x", "//b", "canonical", "robots", "NOINDEX, a: b", "refresh", "0;url=/x", "5,//u:p@b/", "https://schema.org/Thing",
     "application/ld+json", "javascript:x", "http://[", "\x00", "&#0;", "&#xD800;", "x:y@z", "https://u:p@h/"]
)  # fmt: skip
NAMES = st.sampled_from("http-equiv href rel name content type itemtype typeof vocab alt hreflang role".split())
ELEMENTS = st.builds(
    lambda tag, attributes, text, is_closed: (
        f"<{tag} " + " ".join(f'{n}="{v}"' for n, v in attributes) + f">{text}" + (f"</{tag}>" if is_closed else "")
    ),
    TAGS,
    st.lists(st.tuples(NAMES, VALUES), max_size=4),
    st.text(max_size=20) | st.just('{"@type":["A",{"@graph":1}]}'),
    st.booleans(),
)
BODIES = st.binary(max_size=2_000) | st.lists(ELEMENTS, max_size=30).map(
    lambda parts: "".join(parts).encode("utf-8", "replace")
)
HEADERS = st.dictionaries(
    st.sampled_from(["content-type", "link", "x-robots-tag", "refresh"]),
    st.text(max_size=60)
    | st.sampled_from(["text/html; charset=utf-7", "text/html; charset=hex", "<a>; rel=canonical"]),
)


@settings(max_examples=400, deadline=None)
@given(BODIES, HEADERS)
def test_no_body_gets_anything_but_a_bounded_page_out(body: bytes, headers: dict[str, str]) -> None:
    found = parse_page(URL, headers, body, max_links=10)
    assert len(found.links) <= 10
    texts = [found.title or "", found.canonical or "", *(t for _, t in found.headings), *found.structured_data_types]
    texts += [part for link in found.links for part in (link.anchor, link.target, *link.rel)]
    texts += [*found.meta_robots, *found.x_robots_tag, *(part for pair in found.hreflangs for part in pair)]
    for text in texts:
        assert "\x00" not in text
        assert len(text) <= MAX_URL
        text.encode()
    assert all(link.target.startswith(("http://", "https://")) for link in found.links)
    assert parse_page(URL, headers, body, max_links=10) == found


@settings(max_examples=400, deadline=None)
@given(BODIES, HEADERS)
def test_what_is_read_of_links_alone_is_what_the_whole_page_says(body: bytes, headers: dict[str, str]) -> None:
    found = parse_page(URL, headers, body, max_links=10)
    assert parse_links(URL, headers, body, max_links=10) == found.links
    targets = tuple(dict.fromkeys(link.target.partition("#")[0] for link in found.links))
    ways = parse_ways(URL, headers, body, max_links=10)
    assert (ways.targets, ways.is_cut) == (targets, found.is_cut)
    for url in filter(None, (ways.redirect, ways.later)):
        assert url.startswith(("http://", "https://"))
        assert url != URL
        assert len(url) <= MAX_URL


@pytest.mark.parametrize("body", PAGES.values(), ids=PAGES)
@pytest.mark.timeout(120)
def test_a_hostile_page_is_read(body: bytes) -> None:
    assert page(body) is not None


def test_an_address_of_svg_is_no_link_and_hides_none() -> None:
    svg = '<svg><a xlink:href="/x"/><link rel="canonical" xlink:href="/y"/><script xlink:type="a"/></svg>'
    found = page(f'{svg}<a href="/a">a</a>')
    assert ([link.target for link in found.links], found.canonical) == (["https://www.shop.example/a"], None)
