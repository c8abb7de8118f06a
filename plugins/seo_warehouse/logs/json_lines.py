"""Logs of one JSON object a line, by a map of fields: Cloudflare's Logpush, Caddy, and any other that is stated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import orjson

from seo_warehouse.errors import LogError
from seo_warehouse.logs.hits import MILLISECOND, SECOND, Hit, Parser, make_hit, read_duration
from seo_warehouse.logs.times import make_reader


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Where each field stands: keys with dots between them, numbers for places in a list."""

    address: str
    time: str
    method: str
    url: str
    status: str
    size: str = ""
    agent: str = ""
    seconds: str = ""
    milliseconds: str = ""
    referrer: str = ""


KNOWN = {
    "cloudflare": FieldMap(
        address="ClientIP",
        time="EdgeStartTimestamp",
        method="ClientRequestMethod",
        url="ClientRequestURI",
        status="EdgeResponseStatus",
        size="EdgeResponseBytes",
        agent="ClientRequestUserAgent",
        milliseconds="EdgeTimeToFirstByteMs",
        referrer="ClientRequestReferer",
    ),
    "caddy": FieldMap(
        address="request.client_ip",
        time="ts",
        method="request.method",
        url="request.uri",
        status="status",
        size="size",
        agent="request.headers.User-Agent.0",
        seconds="duration",
        referrer="request.headers.Referer.0",
    ),
}


def read_map(text: str) -> FieldMap:
    """Read a stated map: `address=ip,time=at,method=verb,url=path,status=code`, where logged `size`, `agent`,
    `referrer`, and how long it took, as `seconds` or `milliseconds`.

    Raises:
        LogError: a field is missing or not one of these.
    """
    said = dict(part.strip().partition("=")[::2] for part in text.split(","))
    try:
        return FieldMap(**said)
    except TypeError as error:
        raise LogError(
            f"the map {text!r} needs address, time, method, url and status, and knows"
            " size, agent, referrer, seconds, milliseconds"
        ) from error


def make_parser(fields: FieldMap, zone: tzinfo | None) -> Parser:
    """The parser of lines with these fields."""
    read_time = make_reader(zone=zone)

    def parse(line: str) -> Hit | str | None:
        if not line.strip():
            return None
        try:
            found = orjson.loads(line.encode("latin-1"))
        except orjson.JSONDecodeError:
            return "not JSON"
        if not isinstance(found, dict):
            return "not of this format"
        return make_hit(
            _text(found, fields.address),
            read_time(_text(found, fields.time)),
            f"{_text(found, fields.method)} {_text(found, fields.url)} HTTP",
            _text(found, fields.status),
            _text(found, fields.size),
            _text(found, fields.agent),
            read_duration(_text(found, fields.milliseconds), MILLISECOND)
            if fields.milliseconds
            else read_duration(_text(found, fields.seconds), SECOND),
            _text(found, fields.referrer) if _is_logged(found, fields.referrer) else None,
        )

    return parse


def _is_logged(found: Mapping[str, Any], path: str) -> bool:
    """Whether a field is logged where it has a value: headers are, as they came; else its key is there."""
    return "." in path or path in found


def _text(found: Mapping[str, Any], path: str) -> str:
    """The text of a field, in latin-1's letters as those of all other formats; empty where it is missing."""
    value: Any = found.get(path)
    if value is None and "." in path:
        value = found
        for key in path.split("."):
            if isinstance(value, list) and key.isdecimal():
                value = value[int(key)] if int(key) < len(value) else None
            else:
                value = value.get(key) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = value if isinstance(value, str) else f"{value:.6f}" if isinstance(value, float) else str(value)
    return text.encode("utf-8", "backslashreplace").decode("latin-1")
