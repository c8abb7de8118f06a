"""Whose analytics and ads a page carries: the ids of its tags, hashed."""

from __future__ import annotations

import re
from hashlib import sha256

MAX_TAGS = 50
_IDS = tuple(
    # What an id begins with stands first, so that a page is searched for that and not at each of its letters. Of
    # Universal Analytics the account, which has many properties; of an ad the publisher.
    re.compile(pattern)
    for pattern in (
        rb"UA-(?<=\bUA-)[0-9]{4,10}(?=-[0-9]{1,4}\b)",
        rb"G-(?<=[\"'=]G-)[A-Z0-9]{10}\b",
        rb"GTM-(?<=\bGTM-)[A-Z0-9]{4,9}\b",
        rb"AW-(?<=\bAW-)[0-9]{9,12}\b",
        rb"pub-(?<=\bca-pub-)[0-9]{16}\b",
    )
)


def tag_ids(body: bytes) -> list[str]:
    """Sixteen hexadecimal digits of the SHA-256 of each id in a page's text, sorted; the first 50 at most.

    Known are Google's: Analytics (UA-, G-), Tag Manager (GTM-), Ads (AW-) and AdSense (ca-pub-).
    """
    found: dict[bytes, int] = {}
    for pattern in _IDS:
        most = len(found) + MAX_TAGS
        for match in pattern.finditer(body):
            found.setdefault(match[0], match.start())
            if len(found) == most:
                break
    first = sorted(found, key=found.__getitem__)[:MAX_TAGS]
    return sorted(sha256(name).hexdigest()[:16] for name in first)
