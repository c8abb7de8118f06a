"""Pages and robots.txt made to keep a crawler busy, by what they do."""

from __future__ import annotations

from seo_warehouse.crawl.robots import MAX_ROBOTS_BYTES

PAGES: dict[str, bytes] = {
    "deep nesting": b"<div>" * 200_000,
    "tags that never close": b"<div></b>" * 100_000,
    "text below deep nesting": b"<div>" * 4_000 + b"</div>" * 4_000 + b"x" * 20_000,
    "formatting opened again in each paragraph": b"<p>"
    + b"".join(b"<b id=%d>" % n for n in range(1_000))
    + b"<p>x" * 100_000,
    "links that never close": b"<a href=x>" * 100_000,
    "formatting around links that never close": b"<b><i><a href=1>" * 20_000,
    "a URL of 3 MB": b"<a href=" + b"x" * 3_000_000 + b">",
    "a title of 3 MB": b"<title>" + b"x" * 3_000_000,
    "a million words without letters": b"<p>" + b"- " * 1_000_000,
    "one word without letters": b"<p>" + b"-" * 3_000_000,
    "deep JSON": b"<script type=application/ld+json>" + b"[" * 1_000_000,
    "half a million directives": b"<meta name=robots content='" + b"a:," * 500_000 + b"'>",
    "a hundred thousand types of an item": b"<p itemtype='" + b"https://schema.org/A " * 100_000 + b"'>",
    "tables in tables": b"<table>" * 50_000,
}
ROBOTS: dict[str, bytes] = {
    "no text": b"\x00" * MAX_ROBOTS_BYTES,
    "one line of agents": b"User-agent:" * 100_000,
    "a pattern outside of any group": b"Disallow: /" + b"*" * 200_000,
    "twenty thousand patterns": b"User-agent: *\n" + b"Disallow: /*a*b*c*d$\n" * 20_000,
    "a pattern of stars": b"User-agent: *\nDisallow: /" + b"*" * 200_000 + b"b",
    "a pattern of a thousand stars that matches": b"User-agent: *\nDisallow: /" + b"*a" * 1_000,
    "patterns that fail at their last letter": b"User-agent: *\n" + (b"Disallow: /" + b"*a" * 900 + b"*b$\n") * 270,
}
ROBOTS_PAGE = "https://shop.example/" + "a" * 1_900
"""What these files are asked about."""
