"""Google's Search Status Dashboard as the demo serves it: the updates that Google has stated, as of the clock.

They are facts of 2025 and 2026, not of the simulated world: its positions do not follow them.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from seo_warehouse.urls import key64

MOST_INCIDENTS = 10
RANKING = {"title": "Ranking", "id": "rGHU1u87FJnkP6W2GwMi"}
UPDATES = (
    ("riq1AuqETW46NfBCe5NT", "June 2025 core update", "2025-06-30T14:30:00+00:00", "2025-07-17T08:00:00+00:00"),
    ("a7Aainy6E9rZsmfq82xt", "August 2025 spam update", "2025-08-26T16:00:00+00:00", "2025-09-22T07:00:00+00:00"),
    ("DsirqJ1gpPRgVQeccPRv", "December 2025 core update", "2025-12-11T17:25:00+00:00", "2025-12-29T19:00:00+00:00"),
    ("mYbNTqV1ytDc2fA8hUz4", "February 2026 Discover update", "2026-02-05T17:00:00+00:00", "2026-02-27T10:00:00+00:00"),
    ("VbnSXAH4SmEcxPtx4YSD", "March 2026 spam update", "2026-03-24T19:00:00+00:00", "2026-03-25T14:30:00+00:00"),
    ("7eTbAa2jWdToLkraZj5y", "March 2026 core update", "2026-03-27T09:00:00+00:00", "2026-04-08T13:00:00+00:00"),
    ("wdAXJk6LRRihEjpzEeWE", "May 2026 core update", "2026-05-21T15:40:00+00:00", "2026-06-02T12:40:00+00:00"),
    ("YUX1peHev5a4fkxLDiUQ", "June 2026 spam update", "2026-06-24T16:00:00+00:00", "2026-06-26T17:00:00+00:00"),
    ("LEubPCm2octf2uMqCFKE", "August 2026 spam update", "2026-08-18T16:27:00+00:00", "2026-08-21T08:49:00+00:00"),
    ("XhUDXP7A67iHCD2kmbVu", "September 2026 spam update", "2026-09-24T16:15:00+00:00", "2026-10-08T08:00:00+00:00"),
)
"""Identifier, name, begin and end, oldest first."""


def incidents(now: datetime) -> list[dict[str, Any]]:
    """The ten newest that had begun by `now`, newest first; those that had not ended have no end."""
    begun = [each for each in UPDATES if datetime.fromisoformat(each[2]) <= now]
    return [_incident(*each, now) for each in reversed(begun[-MOST_INCIDENTS:])]


def _incident(identifier: str, name: str, begin: str, end: str, now: datetime) -> dict[str, Any]:
    has_ended = datetime.fromisoformat(end) <= now
    posts = [_post(begin, f"Released the {name}.", "SERVICE_INFORMATION")]
    if has_ended:
        posts.insert(0, _post(end, "The rollout was complete.", "AVAILABLE"))
    return {
        "id": identifier,
        "number": str(abs(key64(identifier))),
        "begin": begin,
        "created": begin,
        "end": end if has_ended else None,
        "modified": posts[0]["modified"],
        "external_desc": name,
        "updates": posts,
        "most_recent_update": posts[0],
        "status_impact": "SERVICE_INFORMATION",
        "severity": "low",
        "service_key": RANKING["id"],
        "service_name": RANKING["title"],
        "affected_products": [RANKING],
        "uri": f"incidents/{identifier}",
    }


def _post(at: str, text: str, status: str) -> dict[str, str]:
    return {"created": at, "modified": at, "when": at, "text": text, "status": status}
