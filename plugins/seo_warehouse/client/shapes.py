"""Which fields the answers of an endpoint have, and of which JSON types: counted on a sample, whoever reads them.

Values are not looked at. Names that look like data (a host, an address, a date, a number) are one name, `*`.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice
from typing import Any

MOST_ITEMS = 100
"""Elements of arrays that are looked at for each load: enough to tell what a field is, and milliseconds to walk."""
MOST_PATHS = 1_000
"""Beyond so many fields of an endpoint, or of an object, no other one is looked at: names there are data."""
LONGEST_PATH, LONGEST_ENDPOINT = 1_000, 300
"""Bytes of what is watched: both are part of a key, and whoever nests answers deeper would end the load."""
_NAME = re.compile(r"[@$]?[A-Za-z_][A-Za-z0-9_-]{0,63}")
_ID = re.compile(r".*\d.*\d.*\d.*|.{33,}|.*%.*")
_TYPES = {str: "string", bool: "boolean", int: "number", float: "number", dict: "object", list: "array"}


@dataclass
class Field:
    """How many objects have a field, in how many it is not null, and of which types it is there."""

    present: int = 0
    filled: int = 0
    types: set[str] = field(default_factory=set)


@dataclass
class Endpoint:
    """Objects that were looked at, by their place in a document, and their fields by place and name."""

    objects: Counter[str] = field(default_factory=Counter)
    fields: dict[str, Field] = field(default_factory=dict)

    def seen(self, path: str) -> int:
        """Objects that could have a field."""
        return self.objects[path.rpartition(".")[0]]

    def count(self, place: str, found: dict[str, Any]) -> None:
        """Count the fields of an object."""
        self.objects[place] += 1
        for name, value in found.items():
            path = _within(place, name)
            at = self.fields.get(path)
            if at is None:
                if len(self.fields) >= MOST_PATHS or len(path) > LONGEST_PATH:
                    continue
                at = self.fields[path] = Field()
            at.present += 1
            if value is not None:
                at.filled += 1
                at.types.add(_TYPES[type(value)])


@dataclass
class Tally:
    """What a load's answers were seen to have, by endpoint."""

    endpoints: dict[str, Endpoint] = field(default_factory=dict)
    _left: int = MOST_ITEMS

    def see(self, path: str, document: Any) -> None:
        """Count the fields of an answer of `path`, as `orjson` has read it; nothing once enough was seen."""
        if self._left <= 0:
            return
        called = "/".join("*" if _ID.fullmatch(part) else part for part in path.split("/"))
        if len(called.encode()) > LONGEST_ENDPOINT:
            return
        endpoint = self.endpoints.setdefault(called, Endpoint())
        waiting: list[tuple[str, Any]] = [("", document)]
        while waiting:
            place, value = waiting.pop()
            if len(place) > LONGEST_PATH:
                continue
            if isinstance(value, dict):
                found = dict(islice(value.items(), MOST_PATHS))
                endpoint.count(place, found)
                for name, inner in found.items():
                    at = _within(place, name)
                    # Where names are data, an object is an array of its values.
                    is_element = at.endswith(".*")
                    if isinstance(inner, dict | list) and at in endpoint.fields and (self._left > 0 or not is_element):
                        self._left -= is_element
                        waiting.append((at, inner))
            elif isinstance(value, list):
                taken = value[: max(0, self._left)]
                self._left -= len(taken)
                waiting.extend((f"{place}[]", inner) for inner in taken)


@lru_cache(maxsize=4 * MOST_PATHS)
def _within(place: str, name: str) -> str:
    return f"{place}.{name}" if _NAME.fullmatch(name) else f"{place}.*"
