"""Text as PostgreSQL can hold it: U+0000 and lone surrogates, which it cannot, become U+FFFD."""

from __future__ import annotations

import re
from typing import Any

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""A character that it cannot hold."""


def mend(value: Any) -> Any:
    """The value with every character that PostgreSQL's text cannot hold replaced, in lists and objects too."""
    if isinstance(value, str):
        return UNSTORABLE.sub(REPLACEMENT, value)
    if isinstance(value, list | tuple):
        return [mend(item) for item in value]
    if isinstance(value, dict):
        return {mend(key): mend(item) for key, item in value.items()}
    return value
