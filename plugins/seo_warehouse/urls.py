"""URL and domain identity: one rule set, used for every key in the warehouse.

A URL is parsed as https://url.spec.whatwg.org/ says. Its normalised form follows from these rules:

1. Only http and https URLs with a host have an identity. A host with an empty label is none; a final dot is dropped.
2. The fragment and the user information are dropped: no server is asked for a different page because of them.
3. Host in lower case and punycode, default port dropped, dot segments resolved, empty path "/": WHATWG.
4. Percent-encoding: unreserved characters (RFC 3986, 2.3) are decoded, hexadecimal digits are upper case, what
   RFC 3986 allows in neither path nor query is encoded, and so is a "%" that encodes nothing.
5. Query: tracking parameters and empty pieces are dropped; the rest keeps its order, since order may mean something;
   an empty query is dropped.

Trailing slash, www, scheme, letter case of the path, index files and session parameters stay as they are. They look
like duplicates, but only the site's own redirects and canonicals can say which URLs are one page; a rule that guesses
would merge two pages that differ, and nothing could take them apart again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache
from hashlib import md5
from typing import NamedTuple
from urllib.parse import SplitResult

import ada_url
import tldextract

CACHED_URLS = 1 << 17
"""About 60 MB when full."""
LONGEST_CACHED_URL = 1_000
"""Characters; longer ones are parsed each time, so that a few monsters cannot fill memory."""

TRACKING_PARAMETERS = frozenset(
    # Google, Meta, Microsoft, Yandex, X, TikTok, LinkedIn, Instagram, Pinterest, Reddit, Snapchat
    "gclid gclsrc dclid gbraid wbraid gad_source gad_campaignid srsltid _ga _gl _gac fbclid msclkid yclid ysclid"
    " _openstat twclid ttclid li_fat_id igshid igsh epik rdt_cid sccid"
    # Mailchimp, a CRM (_hs), Marketo, Klaviyo, Vero, Omeda, Branch, Wicked Reports, Adobe, Piwik
    " mc_cid mc_eid _hsenc _hsmi __hstc __hssc __hsfp hsctatracking mkt_tok _kx vero_id vero_conv oly_anon_id"
    " oly_enc_id _branch_match_id wickedid s_cid pk_campaign pk_kwd pk_keyword pk_source pk_medium pk_content".split()
)
"""Query parameters, in lower case, that say where a visitor came from and not what the page shows."""
TRACKING_PREFIXES = ("utm_", "mtm_", "hsa_")

_HREF = re.compile(r"(https?)://(?:[^/@]*@)?(\[[^\]]*\]|[^/:]+)(:\d+)?(/[^?#]*)(?:\?([^#]*))?")
_TO_ENCODE = re.compile(r"%([0-9A-Fa-f]{2})?|[^!$&'()*+,\-./0-9:;=?@A-Z_a-z~]")
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")

# No list is fetched, and no cache is written: the same release gives the same domains everywhere.
_suffixes = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=(), include_psl_private_domains=True)


class Identity(NamedTuple):
    """What a URL is known by.

    `url` is normalised. `host` is in lower-case punycode, IPv6 in brackets. `domain` is the registrable domain; a host
    that has none (address, single label, public suffix) is its own domain, so that no link is without one.
    """

    url: str
    host: str
    domain: str


def identity(url: str) -> Identity | None:
    """Identity of a URL; None where it is not a valid http or https URL."""
    return _cached_identity(url) if len(url) <= LONGEST_CACHED_URL else _identity(url)


def normalise(url: str) -> str | None:
    """The URL in the form of the rules above; None where it is not a valid http or https URL."""
    found = identity(url)
    return found.url if found else None


def leading_to(targets: Iterable[str], urls: Iterable[str]) -> list[str]:
    """Those of some absolute URLs, as `resolve` gives them, that are one of `urls`, which are normalised."""
    wanted = frozenset(urls)
    # Normalising takes long, and changes nothing of a resolved host but a final dot.
    hosts = {url.partition("://")[2].partition("/")[0].partition(":")[0] for url in wanted}
    return [target for target in targets if any(map(target.__contains__, hosts)) and normalise(target) in wanted]


def host_of(url: str) -> str | None:
    """Host of a URL, in lower-case punycode; None where it is not a valid http or https URL."""
    found = identity(url)
    return found.host if found else None


def resolve(base: str, href: str) -> str | None:
    """The absolute URL that `href` means on a page at `base`, not normalised, with its fragment.

    None where the two give no valid http or https URL.
    """
    try:
        url = ada_url.join_url(base, href)
    except ValueError:
        return None
    return url if url.startswith(("https://", "http://")) else None


@lru_cache(maxsize=CACHED_URLS)
def registrable_domain(host: str) -> str | None:
    """The label below the public suffix, with the suffix: blog.example.co.uk -> example.co.uk.

    `host` is as `host_of` gives it. Private suffixes count: a.github.io is a domain. An unlisted suffix counts as one
    label (https://github.com/publicsuffix/list/wiki/Format#algorithm). None for addresses, single labels and hosts that
    are themselves a public suffix.
    """
    found = _suffixes.extract_urllib(SplitResult("", host, "", "", ""))
    if found.suffix:
        return f"{found.domain}.{found.suffix}" if found.domain else None
    if not found.subdomain:
        return None
    return f"{found.subdomain.rpartition('.')[2]}.{found.domain}"


def key64(*parts: str | int | date) -> int:
    """64-bit key of a natural key, the same as the SQL macro key64. Raises TypeError where a part is None."""
    if None in parts:
        raise TypeError(f"a part of the key is missing: {parts!r}")
    text = "\x1f".join(part if isinstance(part, str) else str(part) for part in parts)
    return int.from_bytes(md5(text.encode(), usedforsecurity=False).digest()[:8], "big", signed=True)


def _identity(url: str) -> Identity | None:
    try:
        href = ada_url.normalize_url(url)
    except ValueError:
        return None
    parts = _HREF.match(href)
    if parts is None:
        return None
    scheme, host, port, path, query = parts.groups()
    host = host.removesuffix(".")
    if not host or host[0] == "." or host[-1] == "." or ".." in host:
        return None
    address = f"{scheme}://{host}{port or ''}{_TO_ENCODE.sub(_encoded, path)}"
    if query:
        kept = "&".join(filter(_is_kept, _TO_ENCODE.sub(_encoded, query).split("&")))
        if kept:
            address = f"{address}?{kept}"
    return Identity(address, host, registrable_domain(host) or host)


_cached_identity: Callable[[str], Identity | None] = lru_cache(maxsize=CACHED_URLS)(_identity)


def _encoded(found: re.Match[str]) -> str:
    digits = found[1]
    if digits is None:
        return f"%{ord(found[0]):02X}"
    character = chr(int(digits, 16))
    return character if character in _UNRESERVED else f"%{digits.upper()}"


def _is_kept(piece: str) -> bool:
    name = piece.partition("=")[0].lower()
    return bool(piece) and name not in TRACKING_PARAMETERS and not name.startswith(TRACKING_PREFIXES)
