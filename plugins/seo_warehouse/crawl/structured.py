"""The schema.org types that a page states in JSON-LD, microdata and RDFa."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_TYPES = 100
MAX_VALUES = 20_000
"""JSON values looked at in one page, whatever they nest."""

_NAME = re.compile(r"(?:https?://(?:www\.)?schema\.org/|schema:)?([A-Z][A-Za-z0-9]{0,99})$", re.ASCII)
_QUALIFIED = re.compile(r"(?:https?://(?:www\.)?schema\.org/|schema:)([A-Z][A-Za-z0-9]{0,99})$", re.ASCII)


def json_ld_types(scripts: Iterable[str]) -> set[str]:
    """Types of JSON-LD scripts: of every node, nested ones and those of @graph too.

    A script that is no JSON counts for nothing. A type without prefix counts where its context names
    schema.org or is missing.
    """
    types: set[str] = set()
    for script in scripts:
        try:
            document = orjson.loads(script)
        except ValueError:
            continue
        for node, is_schema in _nodes(document):
            types.update(_named(node.get("@type"), _NAME if is_schema else _QUALIFIED))
    return set(sorted(types)[:MAX_TYPES])


def microdata_types(values: Iterable[str]) -> set[str]:
    """Types of itemtype attributes."""
    return {found[1] for value in values for token in value.split()[:MAX_TYPES] if (found := _QUALIFIED.match(token))}


def rdfa_types(values: Iterable[tuple[str, str]]) -> set[str]:
    """Types of (typeof, vocab in force) attributes."""
    return {
        found[1]
        for value, vocab in values
        for token in value.split()[:MAX_TYPES]
        if (found := (_NAME if "schema.org" in vocab else _QUALIFIED).match(token))
    }


def _nodes(document: Any) -> Iterator[tuple[dict[str, Any], bool]]:
    """Each object of a JSON-LD document, with whether its context is schema.org's."""
    stack: list[tuple[Any, bool]] = [(document, True)]
    for _ in range(MAX_VALUES):
        if not stack:
            return
        value, is_schema = stack.pop()
        if isinstance(value, list):
            stack.extend((item, is_schema) for item in value)
        elif isinstance(value, dict):
            if "@context" in value:
                is_schema = b"schema.org" in orjson.dumps(value["@context"])
            yield value, is_schema
            stack.extend((item, is_schema) for key, item in value.items() if key != "@context")


def _named(types: Any, pattern: re.Pattern[str]) -> Iterator[str]:
    for name in types[:MAX_TYPES] if isinstance(types, list) else [types]:
        found = pattern.match(name) if isinstance(name, str) else None
        if found:
            yield found[1]


def structured_types(tree: LexborHTMLParser) -> set[str]:
    """Types of JSON-LD, microdata and RDFa on a page."""
    scripts = (
        node.text()
        for node in tree.css("script[type]")
        if (node.attributes.get("type") or "").partition(";")[0].strip().lower() == "application/ld+json"
    )
    items = (node.attributes.get("itemtype") or "" for node in tree.css("[itemtype]"))
    typed = ((node.attributes.get("typeof") or "", _vocab(node)) for node in tree.css("[typeof]"))
    return json_ld_types(scripts) | microdata_types(items) | rdfa_types(typed)


def _vocab(node: LexborNode) -> str:
    above: LexborNode | None = node
    while above is not None:
        vocab = above.attributes.get("vocab")
        if vocab is not None:
            return vocab
        above = above.parent
    return ""
