"""The body of an answer, unpacked as it arrives and never beyond what was asked for.

What is packed small may be meant to be large: a gigabyte of zeros is some kilobytes of zstd. So an answer is asked for
in gzip or deflate only, whose output can be bounded step by step, and is refused in anything else, or packed twice.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

ACCEPTED = "gzip, deflate"
"""Accept-Encoding of every call."""
STEP_BYTES = 1 << 18
"""The most that one step yields."""


class PackedWrongError(ValueError):
    """A body is not packed as its Content-Encoding says, or as nobody asked for."""


class Unpacker:
    """Takes chunks as they arrive; `encoding` is the answer's Content-Encoding. Raises PackedWrongError."""

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding.strip().lower()
        if self._encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
            raise PackedWrongError(f"packed as {self._encoding[:40]!r}, and only {ACCEPTED} were asked for")
        self._stream = zlib.decompressobj(wbits=47)
        self._is_begun = False

    @property
    def _is_plain(self) -> bool:
        return self._encoding in ("", "identity")

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """What a chunk unpacks to, in steps."""
        if self._is_plain:
            yield chunk
            return
        while chunk:
            if self._stream.eof:
                # gzip may consist of several members, one after another.
                self._stream = zlib.decompressobj(wbits=47)
            yield self._step(chunk)
            chunk = self._stream.unconsumed_tail or self._stream.unused_data

    def end(self) -> None:
        """To be called after the last chunk. Raises PackedWrongError where the body was cut short."""
        if self._is_begun and not self._stream.eof:
            raise PackedWrongError(f"{self._encoding} that ends before its end")

    def _step(self, chunk: bytes) -> bytes:
        is_first, self._is_begun = not self._is_begun, True
        try:
            return self._stream.decompress(chunk, STEP_BYTES)
        except zlib.error as error:
            if not is_first or self._encoding != "deflate":
                raise PackedWrongError(f"not {self._encoding}: {error}") from None
        # Some servers take "deflate" for the bare stream.
        self._stream = zlib.decompressobj(wbits=-15)
        try:
            return self._stream.decompress(chunk, STEP_BYTES)
        except zlib.error as error:
            raise PackedWrongError(f"not deflate: {error}") from None
