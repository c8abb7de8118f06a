"""A file of settings as it stands: YAML in which nothing is said twice, hidden, or larger than it looks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from seo_warehouse.errors import ConfigError

LARGEST = 2**31 - 1
"""Of PostgreSQL's integers. No setting needs a larger number, nor one that is none or without end."""
DEEPEST = 100
MOST_VALUES = 2_000_000
"""More than fifty properties of ten thousand keywords; a few lines of aliases of aliases can stand for billions."""
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]")
"""What no setting holds: PostgreSQL stores no NUL and no half of a letter, and the others change what a reader sees."""


class _Refused(Exception):
    """What is wrong with a document."""


class _Loader(yaml.CSafeLoader):
    """libyaml, which comes with PyYAML's wheels: in Python it takes seven times as long, and every task reads this.

    Of what kind a value is PyYAML asks in Python for each: here once for each word.
    """

    resolve = staticmethod(lru_cache(maxsize=10_000)(yaml.resolver.Resolver().resolve))

    def construct_object(self, node: Any, deep: bool = False) -> Any:
        if isinstance(node, yaml.ScalarNode) and node.tag == yaml.resolver.Resolver.DEFAULT_SCALAR_TAG:
            return node.value
        return super().construct_object(node, deep)

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen: set[tuple[str, Any]] = set()
        for name, _ in node.value:
            said = (name.tag, name.value) if isinstance(name, yaml.ScalarNode) else None
            if said in seen:
                raise _Refused(f"{name.value!r} stands twice, the second time in line {name.start_mark.line + 1}")
            if said is not None:
                seen.add(said)
        return super().construct_mapping(node, deep)


def _as_text(construct: Any) -> Any:
    """A constructor that leaves what it cannot make, such as the 30th of February, to whoever knows the setting."""

    def constructed(loader: Any, node: Any) -> Any:
        try:
            return construct(loader, node)
        except (ValueError, OverflowError):
            return node.value

    return constructed


for _kind in ("int", "float", "timestamp"):
    _tag = f"tag:yaml.org,2002:{_kind}"
    _Loader.add_constructor(_tag, _as_text(yaml.CSafeLoader.yaml_constructors[_tag]))


def read_bytes(path: Path) -> bytes:
    """What stands in a file of settings. Raises ConfigError with one sentence that names it."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"{path} does not exist; properties.example.yml shows its form") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from None


def read_document(path: Path, said: bytes) -> Any:
    """What the bytes of a YAML file say. Raises ConfigError with one sentence that names the file."""
    try:
        text = said.decode("utf-8-sig")
        _expect_shallow(text)
        document = yaml.load(text, Loader=_Loader)  # noqa: S506 (made of the safe one)
        _count(document, "", {})
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is not in UTF-8: byte {error.start + 1} is 0x{error.object[error.start]:02x}"
        ) from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{path} is not valid YAML: {_in_one_line(error)}") from None
    except _Refused as error:
        raise ConfigError(f"{path}: {error}") from None
    return document


def _expect_shallow(text: str) -> None:
    """Raise _Refused for lists in lists without end: libyaml's composer would take the whole process with it."""
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", text):
        depth = max(0, depth + (1 if bracket in "[{" else -1))
        deepest = max(deepest, depth)
    if deepest > DEEPEST or re.search(rf"(?m)^[ \t?:-]{{{4 * DEEPEST},}}", text):
        raise _Refused("is nested too deeply")


def _count(value: Any, place: str, known: dict[int, int]) -> int:
    """How many values a value stands for, aliases written out. Raises _Refused for what no setting holds."""
    if isinstance(value, str):
        if hidden := _HIDDEN.search(value):
            raise _Refused(f"{place.lstrip('.')}: holds the character U+{ord(hidden[0]):04X}, which no setting may")
        return 1
    if not isinstance(value, dict | list):
        if isinstance(value, int | float) and not abs(value) <= LARGEST:
            raise _Refused(f"{place.lstrip('.')}: is no number between -{LARGEST:,} and {LARGEST:,}")
        return 1
    if id(value) in known:
        if not known[id(value)]:
            raise _Refused(f"{place.lstrip('.')}: is an alias of what it stands in")
        return known[id(value)]
    known[id(value)] = 0
    total = 1 + sum(_count(part, f"{place}.{name}", known) for name, part in _parts(value))
    if total > MOST_VALUES:
        raise _Refused(f"{place.lstrip('.') or 'the file'}: stands for more than {MOST_VALUES:,} values")
    known[id(value)] = total
    return total


def _parts(value: dict[Any, Any] | list[Any]) -> Iterable[tuple[Any, Any]]:
    return _named(value) if isinstance(value, dict) else enumerate(value)


def _named(value: dict[Any, Any]) -> Iterator[tuple[Any, Any]]:
    for name, part in value.items():
        # A name may hide something too; it is not repeated.
        yield "a name in it", name
        yield name, part


def _in_one_line(error: yaml.YAMLError) -> str:
    """What is wrong and where, without the lines of the file around it."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"{error.problem or error.context}, line {error.problem_mark.line + 1}"
    if isinstance(error, yaml.reader.ReaderError):
        return f"it holds a character that YAML does not allow, at place {error.position + 1}"
    return _HIDDEN.sub("?", " ".join(str(error).split()))
