"""Failures on request: rules that say which answers go wrong, how and how often."""

from __future__ import annotations

import random
import re
import threading
from dataclasses import asdict, dataclass, fields
from typing import Any

KINDS = (
    "status",
    "quota",
    "truncated",
    "wrong_length",
    "gzip_cut",
    "malformed",
    "html",
    "slow",
    "stall",
    "reset",
    "lost",
    "task_error",
    "unknown_field",
)


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One kind of failure for the requests whose path matches.

    match        regular expression, searched in the path and query
    kind         status: `status` with the provider's own error body, and Retry-After where given
                 quota: Google's 403 quotaExceeded
                 truncated: the body ends half way and the connection closes
                 wrong_length: Content-Length promises more than is sent, then the connection closes
                 gzip_cut: a gzip stream that ends early
                 malformed: half of the JSON with a matching Content-Length
                 html: a web page instead of JSON, status 200
                 slow: the body trickles over `seconds`
                 stall: nothing for `seconds`, then the answer
                 reset: the connection is reset and nothing was done
                 lost: done as asked, then reset: the answer never comes
                 task_error: DataForSEO tasks fail with `status` (default 50000) inside a 20000 envelope
                 unknown_field: a member more than documented in each item or row
    times        how many requests fail; None: all
    after        how many matching requests pass first
    probability  share of matching requests that fail, drawn from `seed`
    """

    match: str
    kind: str
    times: int | None = None
    after: int = 0
    probability: float = 1.0
    seed: int = 0
    status: int | None = None
    retry_after: str | None = None
    seconds: float = 1.0

    def __post_init__(self) -> None:
        re.compile(self.match)
        if self.kind not in KINDS:
            raise ValueError(f"no such kind of failure: {self.kind!r}; there are: {', '.join(KINDS)}")

    def to_dict(self) -> dict[str, Any]:
        """All fields by name."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Rule:
        """A rule from JSON. Raises ValueError for a wrong field or kind."""
        unknown = sorted(set(values) - {field.name for field in fields(cls)})
        if unknown or not {"match", "kind"} <= set(values):
            raise ValueError(f"a rule needs match and kind and has no {', '.join(unknown) or 'other fields'}")
        try:
            return cls(**values)
        except re.error as error:
            raise ValueError(f"match: {error}") from None


class Failures:
    """The rules in force, counting down."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Rule] = []
        self._passed: list[int] = []
        self._failed: list[int] = []
        self._chance: list[random.Random] = []

    def set(self, rules: list[Rule]) -> None:
        """Replace all rules."""
        with self._lock:
            self._rules = rules
            self._passed = [0] * len(rules)
            self._failed = [0] * len(rules)
            self._chance = [random.Random(rule.seed) for rule in rules]

    def report(self) -> list[dict[str, Any]]:
        """The rules with how many requests each let pass and failed."""
        with self._lock:
            counts = zip(self._rules, self._passed, self._failed, strict=True)
            return [{**rule.to_dict(), "passed": passed, "failed": failed} for rule, passed, failed in counts]

    def choose(self, target: str) -> Rule | None:
        """The rule that this request falls to, the first that applies; None: answer truly."""
        if not self._rules:
            return None
        with self._lock:
            for place, rule in enumerate(self._rules):
                if not re.search(rule.match, target):
                    continue
                is_due = self._passed[place] >= rule.after
                is_left = rule.times is None or self._failed[place] < rule.times
                if is_due and is_left and self._chance[place].random() < rule.probability:
                    self._failed[place] += 1
                    return rule
                self._passed[place] += 1
            return None
