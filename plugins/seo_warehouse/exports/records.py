"""Lines of a text as records of cells, in memory that does not grow with the file."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from itertools import chain

from seo_warehouse.errors import ExportError
from seo_warehouse.exports.opening import LONGEST_LINE, OpenStream, Text, lines_of

BLOCK = 1 << 16
KEPT_BLOCKS = LONGEST_LINE // BLOCK + 3
MOST_BROKEN = 1_000
"""Lines whose quotes are not closed, each of which may cost a look through `csv.field_size_limit()` characters."""


class _Lines:
    """Lines of a text, in blocks; `record` is set to the line of each record that they become.

    A record for which block after block is needed would fill memory. The lines of the last record can be had again.
    """

    def __init__(self, name: str, text: io.TextIOWrapper) -> None:
        self._name, self._text = name, text
        self._kept: deque[tuple[int, list[str]]] = deque(maxlen=KEPT_BLOCKS)
        self._broken_count = 0
        self.record = 0

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._blocks())

    def again(self, first: int, last: int) -> list[str]:
        """Lines that a broken record took with it. Raises ExportError where this happens too often."""
        self._broken_count += 1
        if self._broken_count > MOST_BROKEN:
            raise ExportError(f"{self._name}, line {first}: quotes are not closed, here and in earlier lines")
        return [line for at, block in self._kept for line in block[max(0, first - at) : max(0, last + 1 - at)]]

    def _blocks(self) -> Iterator[list[str]]:
        size, record, at = 0, -1, 1
        while block := self._text.readlines(BLOCK):
            size = size + BLOCK if self.record == record else 0
            if size > LONGEST_LINE:
                raise ExportError(
                    f"{self._name}, line {record}: a row of more than {LONGEST_LINE:,} characters: a quote is never"
                    " closed"
                )
            record = self.record
            self._kept.append((at, block))
            at += len(block)
            yield block


def records(
    name: str, open_stream: OpenStream, text: Text, delimiter: str, skipped: int
) -> Iterator[tuple[int, list[str], str | None]]:
    """Line, cells and, where the line cannot be split into cells, the reason. Blank lines are passed over.

    So are the first `skipped` records.

    A quote that is never closed costs its own line only: those it would swallow are read as if it were not there.
    """
    with lines_of(open_stream, text) as opened:
        lines = _Lines(name, opened)
        current, before = iter(lines), 0
        reader = csv.reader(current, delimiter=delimiter, strict=True)
        try:
            for _ in range(skipped):
                next(reader)
        except (csv.Error, StopIteration):
            raise ExportError(f"{name}, line {skipped}: the headings cannot be split into cells") from None
        while True:
            line = before + reader.line_num + 1
            lines.record = line
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                taken = lines.again(line, before + reader.line_num)
                yield line, [taken[0].rstrip("\r\n")], f"cannot be split into cells ({error})"
                current = chain(taken[1:], current)
                reader = csv.reader(current, delimiter=delimiter, strict=True)
                before = line
                continue
            except UnicodeDecodeError:
                raise ExportError(f"{name}, line {line}: bytes that are no {text.encoding}") from None
            if any(cells):
                yield line, cells, None
