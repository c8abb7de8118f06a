from __future__ import annotations

import pytest

from seo_warehouse.linkcheck.grades import Beside, Expected, judge
from seo_warehouse.linkcheck.looks import look_at
from tests.linkcheck.pages import TARGET, graded, visit

LINK = f'<a href="{TARGET}">red shoes</a>'


def policy(body: str = LINK, header: str | None = None, **kwargs: str) -> str | None:
    headers = {} if header is None else {"referrer-policy": header}
    return graded(visit(body, headers=headers, **kwargs)).referrer_policy


def test_without_a_word_the_origin_comes() -> None:
    assert policy() == "origin"


@pytest.mark.parametrize(
    ("stated", "passed"),
    [
        ("no-referrer", "none"),
        ("same-origin", "none"),
        ("origin", "origin"),
        ("strict-origin-when-cross-origin", "origin"),
        ("no-referrer-when-downgrade", "full"),
        ("Unsafe-URL", "full"),
    ],
)
def test_a_policy_passes_the_same_wherever_it_is_stated(stated: str, passed: str) -> None:
    assert policy(header=stated) == passed
    assert policy(f'<meta name="Referrer" content="{stated}">{LINK}') == passed
    assert policy(f'<a referrerpolicy="{stated}" href="{TARGET}">red shoes</a>') == passed


def test_the_last_valid_token_of_the_header_stands() -> None:
    assert policy(header="no-referrer, unsafe-url, tomorrows-policy") == "full"
    assert policy(header="tomorrows-policy") == "origin"


def test_the_link_speaks_before_its_page_and_the_page_before_its_header() -> None:
    page = '<meta name=referrer content=never><meta name=referrer content="unsafe-url nonsense">'
    assert policy(f"{page}{LINK}", header="unsafe-url") == "none"
    assert policy(f'{page}<a referrerpolicy="unsafe-url" href="{TARGET}">red shoes</a>') == "full"
    assert policy(f'<a rel=noreferrer referrerpolicy="unsafe-url" href="{TARGET}">red shoes</a>') == "none"


def test_to_a_page_without_tls_only_careless_policies_pass_anything() -> None:
    insecure = LINK.replace("https:", "http:")
    expected = Expected(frozenset({TARGET.replace("https:", "http:")}))

    def found(header: str, url: str) -> str | None:
        look = look_at(visit(insecure, headers={"referrer-policy": header}, url=url))
        return judge(look, expected, Beside(), domain="shop.example", others=frozenset()).referrer_policy

    secure, plain = "https://blog.example/a", "http://blog.example/a"
    assert [found("no-referrer-when-downgrade", url) for url in (secure, plain)] == ["none", "full"]
    assert [found("strict-origin", url) for url in (secure, plain)] == ["none", "origin"]
    assert found("unsafe-url", secure) == "full"


def test_of_several_links_the_most_open_counts() -> None:
    assert (
        policy(f'<a rel=noreferrer href="{TARGET}">x</a><a referrerpolicy=unsafe-url href="{TARGET}">y</a>') == "full"
    )


def test_a_page_that_did_not_come_tells_no_policy() -> None:
    assert graded(visit(status=404)).referrer_policy is None
    assert graded("<p>no link").referrer_policy is None
