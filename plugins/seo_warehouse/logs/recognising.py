"""Which format a log is in, by its first lines or as stated."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, tzinfo
from functools import partial
from itertools import islice
from pathlib import Path

from seo_warehouse.errors import LogError
from seo_warehouse.logs import combined, json_lines, patterns
from seo_warehouse.logs.fields import NamedColumns
from seo_warehouse.logs.hits import Hit, Hits, Parser, Reader, read_by_line
from seo_warehouse.logs.lines import cut_blocks, read_chunks

ENOUGH = 200
"""Lines that parse, after which a format has shown itself."""
MOST_LOOKED_AT = 1000
NEARLY = 0.8
"""Of the best format's share of lines that parse: from here the first in the order is taken, which reads more of each
line. A format that parses fewer is the wrong one, as a log with a fifth of its lines malformed is."""
LEAST = 0.5


@dataclass(frozen=True, slots=True)
class Format:
    """A format's name and what reads it."""

    name: str
    read: Reader


def recognise(
    path: Path,
    stated: str | None = None,
    zone: tzinfo | None = None,
    *,
    address: str | None = None,
    takes_rest: bool = True,
) -> Format:
    """Find a log's format.

    Args:
        path: The file, plain or packed.
        stated: A known name, a LogFormat, or a map of JSON's fields; it is tried alone.
        zone: That of times which say none.
        address: The directive of a stated LogFormat that has the client's address, if it is not the usual one.
        takes_rest: A last line without an end is one; else it is still being written.

    Raises:
        LogError: no format fits, or its times need a zone.
    """
    sample = _sample(path, takes_rest=takes_rest)
    if not sample:
        raise LogError(f"{path.name} holds no line")
    makers = _stated(stated, address) if stated else _known()
    shares = {name: _share(make(zone), sample) for name, make in makers.items()}
    best = max(shares.values())
    if best < LEAST:
        if zone is None and any(_share(make(UTC), sample) >= LEAST for make in makers.values()):
            raise LogError(f"{path.name}: its times say no zone: state it with --zone")
        tried = stated or ", ".join(makers)
        raise LogError(f"{path.name} is in no format that was tried ({tried}): state it with --format")
    name = next(name for name, share in shares.items() if share >= NEARLY * best)
    parse = makers[name](zone)
    if name == "combined" and 2 * sum(map(combined.is_plain, sample)) >= len(sample):
        return Format(name, combined.make_block_reader(parse))
    return Format(name, _by_line(parse))


def _known() -> dict[str, Callable[[tzinfo | None], Parser]]:
    """The makers of the parsers of known formats, in the order in which they are tried."""
    makers: dict[str, Callable[[tzinfo | None], Parser]] = {}
    for name, text in patterns.KNOWN.items():
        makers[name] = partial(patterns.make_parser, patterns.compile_format(text))
    makers["named columns"] = lambda zone: NamedColumns()
    for name, fields in json_lines.KNOWN.items():
        makers[name] = partial(json_lines.make_parser, fields)
    return makers


def _stated(text: str, address: str | None) -> dict[str, Callable[[tzinfo | None], Parser]]:
    known = _known()
    if text in known:
        return {text: known[text]}
    if "$" in text or "%" in text:
        return {"the stated format": partial(patterns.make_parser, patterns.compile_format(text, address))}
    if "=" in text:
        return {"the stated map": partial(json_lines.make_parser, json_lines.read_map(text))}
    raise LogError(f"{text!r} is no format: say one of {', '.join(known)}, a LogFormat, or a map of JSON's fields")


def _sample(path: Path, *, takes_rest: bool) -> list[str]:
    blocks = cut_blocks(read_chunks(path), takes_rest=takes_rest)
    lines = (line for block, _ in blocks for line in block.split("\n"))
    return [line for line in islice(lines, MOST_LOOKED_AT) if line.strip()]


def _share(parse: Parser, sample: list[str]) -> float:
    """The share of lines that parse, up to the line by which enough have."""
    good = bad = 0
    for line in sample:
        found = parse(line)
        good += isinstance(found, Hit)
        bad += isinstance(found, str)
        if good == ENOUGH:
            break
    return good / (good + bad) if good else 0.0


def _by_line(parse: Parser) -> Reader:
    def read(block: str) -> Iterator[Hits]:
        yield read_by_line(parse, block.split("\n"))

    return read
