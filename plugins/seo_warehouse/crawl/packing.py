"""What was packed for the way: gzip of any number of members, zlib, and deflate without either's head."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

_GZIP = b"\x1f\x8b"
_EITHER, _BARE = 47, -15
"""zlib's window bits: gzip or zlib, as the head says; deflate alone."""
_LEAST_STEP, _STEP = 1_024, 65_536
"""Bytes given to a member at a time. What lies behind its end is handed back as a copy: so the first are few."""
_PIECE = 262_144


def is_gzip(body: bytes) -> bool:
    """Whether bytes begin as a gzip file does."""
    return body.startswith(_GZIP)


def unpack(body: bytes, limit: int) -> tuple[bytes, bool]:
    """Packed data unpacked up to `limit` bytes, and whether it went on. Raises ValueError where it is packed otherwise.

    Data that break off give what there is, as they do in browsers: the transfer has been found whole by now.
    """
    pieces, size = [], 0
    try:
        for piece in unpacked(body):
            pieces.append(piece[: limit - size])
            size += len(piece)
            if size > limit:
                break
    except EOFError:
        pass
    return b"".join(pieces), size > limit


def unpacked(body: bytes) -> Iterator[bytes]:
    """Packed data, unpacked piece by piece.

    Raises ValueError where it is packed otherwise, EOFError where it breaks off.
    gzip's members one after the other are one file (RFC 1952, 2.2); what else lies behind the last is nobody's.
    """
    window, at = memoryview(body), 0
    while at == 0 or window[at : at + 2] == _GZIP:
        start = at
        try:
            for piece, end in _member(window, start, _EITHER):
                at = end
                yield piece
        except zlib.error as error:
            if at > 0:
                raise ValueError(f"damaged: {error}") from None
            try:
                for piece, end in _member(window, start, _BARE):
                    at = end
                    yield piece
            except zlib.error as bare_error:
                raise ValueError(f"not gzip or deflate: {bare_error}") from None


def _member(window: memoryview, at: int, bits: int) -> Iterator[tuple[bytes, int]]:
    """Pieces of the member that begins at a place, each with the place that it was read up to."""
    unpacker, step = zlib.decompressobj(wbits=bits), _LEAST_STEP
    while not unpacker.eof:
        given = window[at : at + step]
        if not given:
            raise EOFError("breaks off")
        piece = unpacker.decompress(given, _PIECE)
        while len(piece) == _PIECE and not unpacker.eof:
            yield piece, at
            piece = unpacker.decompress(unpacker.unconsumed_tail, _PIECE)
        at += len(given) - len(unpacker.unused_data)
        step = min(2 * step, _STEP)
        yield piece, at
