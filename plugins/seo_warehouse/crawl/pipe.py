"""What the crawler's process and its parent say to each other: frames of JSON and bytes over pipes.

The parent holds the archive, so that the crawler needs no credential of it; and each sees the other's end as the
end of the pipe, so that neither outlives the other.
"""

from __future__ import annotations

import os
import struct
from datetime import UTC, datetime
from typing import IO, Any

import orjson

from seo_warehouse.crawl.records import Fetched, url_key

_LENGTHS = struct.Struct(">II")

ORPHANED = 71
"""Exit status of a crawler whose parent has ended."""

Frame = tuple[dict[str, Any], bytes]


def write_frame(stream: IO[bytes], head: dict[str, Any], body: bytes = b"") -> None:
    """Send one frame. Raises BrokenPipeError where nobody reads."""
    data = orjson.dumps(head)
    stream.write(_LENGTHS.pack(len(data), len(body)) + data)
    stream.write(body)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Frame | None:
    """Receive one frame; None at the end of the pipe, also where that cuts a frame."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head_length, body_length = _LENGTHS.unpack(lengths)
    data, body = stream.read(head_length), stream.read(body_length)
    if len(data) < head_length or len(body) < body_length:
        return None
    return orjson.loads(data), body


def packed(fetched: Fetched) -> dict[str, Any]:
    """An outcome as the head of a frame, without its body."""
    return {
        "url": fetched.url,
        "status": fetched.status,
        "headers": fetched.headers,
        "received_at": fetched.received_at.isoformat(),
        "seconds": fetched.seconds,
        "error": fetched.error,
    }


def unpacked(head: dict[str, Any], body: bytes) -> Fetched:
    """The outcome in a frame."""
    fields = {name: head[name] for name in ("url", "status", "headers", "seconds", "error")}
    return Fetched(**fields, body=body, received_at=datetime.fromisoformat(head["received_at"]))


class Store:
    """The child's side of the archive. Ends the process where the parent has ended: nobody is left to crawl for."""

    def __init__(self, answers: IO[bytes], requests: IO[bytes]) -> None:
        self._answers = answers
        self._requests = requests

    def find(self, url: str) -> Fetched | None:
        """What the archive holds of a URL."""
        self._write({"op": "find", "key": url_key(url)})
        frame = read_frame(self._answers)
        if frame is None:
            os._exit(ORPHANED)
        head, body = frame
        return unpacked(head, body) if head else None

    def sending(self, url: str, *, is_first: bool) -> None:
        """Record that a URL is about to be asked for. `is_first`: not yet by this crawler."""
        self._write({"op": "sending", "key": url_key(url), "url": url, "is_first": is_first})

    def unsent(self, url: str) -> None:
        """Take back what `sending` recorded: no connection was had."""
        self._write({"op": "unsent", "key": url_key(url)})

    def dismiss(self, url: str) -> None:
        """Say that a URL was answered, and the answer is not to be kept."""
        self._write({"op": "dismiss", "key": url_key(url)})

    def keep(self, fetched: Fetched) -> None:
        """Archive an answer."""
        self._write({"op": "keep", "key": url_key(fetched.url), **packed(fetched)}, fetched.body)

    def keep_document(self, key: str, url: str, body: bytes) -> None:
        """Archive a part of the manifest."""
        document = Fetched(url, 200, {"content-type": "application/json"}, b"", datetime.now(UTC), 0.0)
        self._write({"op": "keep_document", "key": key, **packed(document)}, body)

    def fail(self, kind: str, message: str) -> None:
        """Say why there is no crawl; `kind` is "transient" or "terminal"."""
        self._write({"op": "failed", "kind": kind, "message": message})

    def end(self) -> None:
        """Say that the crawl has ended and its manifest is kept."""
        self._write({"op": "ended"})

    def _write(self, head: dict[str, Any], body: bytes = b"") -> None:
        try:
            write_frame(self._requests, head, body)
        except BrokenPipeError:
            os._exit(ORPHANED)
