"""Whose analytics and ads a page carries: the ids of its tags, hashed."""

from __future__ import annotations

import re
from hashlib import sha256

MAX_TAGS = 50
_ID = re.compile(
    # Of Universal Analytics the account, which has many properties; of an ad the publisher.
    rb"\b(?P<account>UA-[0-9]{4,10})-[0-9]{1,4}\b|[\"'=](?P<measured>G-[A-Z0-9]{10})\b"
    rb"|\b(?P<container>GTM-[A-Z0-9]{4,9})\b|\b(?P<bought>AW-[0-9]{9,12})\b|\bca-(?P<sold>pub-[0-9]{16})\b"
)


def tag_ids(body: bytes) -> list[str]:
    """Sixteen hexadecimal digits of the SHA-256 of each id in a page's text, sorted; 50 at most.

    Known are Google's: Analytics (UA-, G-), Tag Manager (GTM-), Ads (AW-) and AdSense (ca-pub-).
    """
    found: set[str] = set()
    for match in _ID.finditer(body):
        found.add(sha256(match[match.lastgroup or 0]).hexdigest()[:16])
        if len(found) == MAX_TAGS:
            break
    return sorted(found)
