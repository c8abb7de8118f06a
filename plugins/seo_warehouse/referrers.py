"""Where a visitor came from: what is kept of a referrer, and what the landing page's query says of it."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple
from urllib.parse import parse_qsl

from seo_warehouse import urls

LONGEST = 2000
"""Characters of a referrer that is one."""

State = Literal["known", "app", "none", "odd", "overflow"]
Tag = Literal["paid", "campaign", ""]

_ODD = re.compile(r"[\x00-\x20\x7f]")
_USER = re.compile(r"https?://[^/?#]*@", re.IGNORECASE)
_APP = re.compile(r"android-app://([a-z0-9_.-]{1,200})", re.IGNORECASE)
_ORIGIN = re.compile(r"https?://[^/?#]+/")
_CLICK_IDS = frozenset(("gclid", "gbraid", "wbraid", "dclid", "msclkid", "yclid"))
"""Names of what ad networks add to the landing pages of paid clicks."""
_MAIL = re.compile(r"=[^&#]*(?:@|%40)[^&#]*", re.IGNORECASE)
_PAID_MEDIUM = re.compile(r"(?:.*cp.*|ppc|retargeting|paid.*)", re.IGNORECASE)
"""https://support.google.com/analytics/answer/9756891, of channels."""


class Referrer(NamedTuple):
    """Where somebody came from. `url` has no query; `key` is that of the whole, and empty of a bare origin."""

    state: State
    url: str
    key: str


def read_referrer(text: str, domain: str) -> Referrer | None:
    """What is kept of a referrer as a browser sent it; None where it is of the property's domain or of a host below."""
    found = keep_referrer(text)
    return None if is_of(found, domain) else found


def keep_referrer(text: str) -> Referrer:
    """What is kept of a referrer as a browser sent it, whosever it is.

    An app names itself as `android-app://com.example`. What is too long, has control characters or a user's name, or is
    no URL of http, is `odd`, and nothing of it is kept.
    """
    if text in ("-", ""):
        return Referrer("none", "", "")
    if len(text) > LONGEST or _ODD.search(text) or _USER.match(text):
        return Referrer("odd", "", "")
    app = _APP.match(text)
    if app:
        return Referrer("app", f"android-app://{app[1].lower()}", "")
    found = urls.identity(text)
    if found is None:
        return Referrer("odd", "", "")
    page = found.url.partition("?")[0]
    # A bare origin is what browsers leave of a page's address: it looks like the home page, and is no proof of it.
    is_origin = page == found.url and _ORIGIN.fullmatch(page) is not None
    return Referrer("known", page, "" if is_origin else str(urls.key64(found.url)))


def is_of(found: Referrer, domain: str) -> bool:
    """Whether a referrer is a page of a domain, or of a host below it."""
    host = found.url.partition("://")[2].partition("/")[0].partition(":")[0]
    return found.state == "known" and (host == domain or host.endswith(f".{domain}"))


def keep_landing(url: str) -> str:
    """A landing page's address without values of its query that look like addresses of mail."""
    return _MAIL.sub("=", url)


def read_tag(url: str) -> Tag:
    """`paid` of a click that ad networks or a medium mark as such, `campaign` of another that its sender marked."""
    try:
        said = {name.lower(): value for name, value in parse_qsl(url.partition("?")[2], max_num_fields=200)}
    except ValueError:
        return ""
    if not _CLICK_IDS.isdisjoint(said) or _PAID_MEDIUM.fullmatch(said.get("utm_medium", "")):
        return "paid"
    return "campaign" if any(name.startswith("utm_") for name in said) else ""
