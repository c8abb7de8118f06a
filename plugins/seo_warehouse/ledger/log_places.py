"""How far the logs of a stream were read."""

from __future__ import annotations

from seo_warehouse.ledger.session import Connection
from seo_warehouse.logs.resuming import Checkpoint


def places(conn: Connection, property_key: int, stream: str) -> list[Checkpoint]:
    """Every place up to which a log of a stream was read."""
    rows = conn.execute(
        """
        select fingerprint, heads, to_byte, tail_sha256, directive
        from ops.log_segment where property_key = %s and stream = %s order by fingerprint, to_byte
        """,
        (property_key, stream),
    )
    return [
        Checkpoint(fingerprint=log, heads=tuple(heads), to_byte=to_byte, tail_sha256=tail, directive=directive)
        for log, heads, to_byte, tail, directive in rows
    ]


def segment_of(conn: Connection, property_key: int, sha256: str) -> tuple[str, str, int]:
    """Stream, fingerprint and first byte of a kept segment."""
    rows = conn.execute(
        "select stream, fingerprint, from_byte from ops.log_segment where property_key = %s and sha256 = %s",
        (property_key, sha256),
    ).fetchall()
    stream, fingerprint, from_byte = rows[0]
    return stream, fingerprint, from_byte


def note_segment(
    conn: Connection, property_key: int, stream: str, from_byte: int, point: Checkpoint, format_name: str, sha256: str
) -> None:
    """Note that a log was read up to a place, and under what its segment is kept."""
    conn.execute(
        """
        insert into ops.log_segment (property_key, stream, fingerprint, from_byte, to_byte, heads, tail_sha256,
                                     format_name, directive, sha256)
        values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
        """,
        (property_key, stream, point.fingerprint, from_byte, point.to_byte, list(point.heads))
        + (point.tail_sha256, format_name, point.directive, sha256),
    )
