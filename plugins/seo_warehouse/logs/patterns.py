"""Formats of lines as nginx and Apache have them configured, compiled to a parser."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import tzinfo

from seo_warehouse.errors import LogError
from seo_warehouse.logs.hits import MICROSECOND, MILLISECOND, SECOND, Hit, Parser, make_hit, read_duration
from seo_warehouse.logs.times import make_reader

COMBINED = r'%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'
COMMON = '%h %l %u %t "%r" %>s %b'
KNOWN = {
    "vhost_combined": f"%v {COMBINED}",
    "combined": COMBINED,
    "vhost_common": f"%v {COMMON}",
    "common": COMMON,
    "alb": "$type $time_iso8601 $elb $remote_addr $target $a $request_time $c $status $d $e $body_bytes_sent"
    ' "$request" "$http_user_agent"',
}
"""What is recognised without being stated, in the order in which it is tried: the longer before what it begins with,
and a virtual host in front before none, since a host may stand for an address and the rest for a user's name."""

_NGINX = {
    "remote_addr": "address",
    "time_local": "time",
    "time_iso8601": "time",
    "msec": "time",
    "request": "request",
    "request_method": "method",
    "request_uri": "url",
    "uri": "url",
    "status": "status",
    "body_bytes_sent": "size",
    "bytes_sent": "size",
    "http_user_agent": "agent",
    "http_referer": "referrer",
    "request_time": "seconds",
}
_APACHE = {
    "h": "address",
    "a": "address",
    "{c}a": "address",
    "r": "request",
    "m": "method",
    "U": "url",
    "s": "status",
    "b": "size",
    "B": "size",
    "O": "size",
    "{user-agent}i": "agent",
    "{referer}i": "referrer",
    "T": "seconds",
    "{s}T": "seconds",
    "{ms}T": "milliseconds",
    "{us}T": "microseconds",
    "D": "microseconds",
}
_UNITS = {"seconds": SECOND, "milliseconds": MILLISECOND, "microseconds": MICROSECOND}
_DIRECTIVE = re.compile(
    r"\$(?P<bare>[A-Za-z0-9_]+)|\$\{(?P<braced>[A-Za-z0-9_]+)\}"
    r"|%[!0-9,]*[<>]?(?P<apache>(?:\{(?P<inside>[^}]*)\})?(?:\^t[io]|[a-zA-Z]))|(?P<per_cent>%%)"
)
# Possessive, so that no line, however it is made, is tried twice over.
_QUOTED = r'[^"\\\n]*+(?:\\.[^"\\\n]*+)*+'
_CLOCK_IN_BRACKETS = r"\[(?P<time>[^\]\n]*+)\]"


@dataclass(frozen=True, slots=True)
class Compiled:
    """A format as a pattern, and the form of its times where they have one of their own."""

    pattern: re.Pattern[str]
    time_form: str | None


def compile_format(text: str, address: str | None = None) -> Compiled:
    """Compile nginx's log_format or Apache's LogFormat.

    Args:
        text: The format.
        address: The directive that has the client's address, where a proxy stands before the server; as it is written
            in the format.

    Raises:
        LogError: it names no address, time, request or status.
    """
    text = text.strip().replace('\\"', '"')
    parts: list[str] = []
    names: set[str] = set()
    time_form, end = None, 0
    for found in _DIRECTIVE.finditer(text):
        parts.append(re.escape(text[end : found.start()]))
        end = found.end()
        name, form = _field(found, address)
        time_form = form or time_form
        name = None if name in names else name
        names |= {name} if name else set()
        parts.append(_part(name, found, text[found.start() - 1 : found.start()], text[end : end + 2]))
    parts.append(re.escape(text[end:]))
    missing = {"address", "time", "status"} - names
    if missing or not ({"request"} <= names or {"method", "url"} <= names):
        what = ", ".join(sorted(missing or {"request"}))
        raise LogError(f"the format {text!r} names no {what}: a line of it says nothing of a visit")
    return Compiled(re.compile("".join(parts) + r"(?:[ ,;].*+)?"), time_form)


def _field(found: re.Match[str], address: str | None) -> tuple[str | None, str | None]:
    """What a directive stands for, and the form of a time that it states."""
    if address is not None and found.group().lower() == address.lower():
        return "address", None
    name, form = _usual_field(found)
    return None if name == "address" and address is not None else name, form


def _usual_field(found: re.Match[str]) -> tuple[str | None, str | None]:
    nginx = found["bare"] or found["braced"]
    if nginx:
        return _NGINX.get(nginx), None
    if found["per_cent"]:
        return None, None
    apache = found["apache"]
    if apache.endswith("t"):
        form = (found["inside"] or "").removeprefix("begin:").removeprefix("end:")
        is_number = form in ("sec", "msec", "usec")
        return (None if "frac" in form else "time"), (None if is_number else form or None)
    return _APACHE.get(apache) or _APACHE.get(apache.lower()), None


def _part(name: str | None, found: re.Match[str], before: str, after: str) -> str:
    """The pattern of a directive's text, which the next character of the format ends."""
    if found["per_cent"]:
        return "%"
    if found["apache"] == "t":
        return _CLOCK_IN_BRACKETS
    if before == '"':
        body = _QUOTED
    elif name == "time" and after[:1] != "]" and found["bare"] == "time_local":
        body = r"\S++ \S++"
    elif name == "time" and after[:1] == " " and " " in (found["inside"] or ""):
        body = r"[^\n]*?"
    elif found.group() in ("%u", "$remote_user"):
        # The one bare field that people may put a space into.
        body = r"[^\[\n]*(?= )"
    else:
        body = r"[^" + re.escape(after[:1] or " ") + r"\n]*+"
    return f"(?P<{name}>{body})" if name else f"(?:{body})"


def make_parser(compiled: Compiled, zone: tzinfo | None) -> Parser:
    """The parser of a compiled format."""
    match, read_time = compiled.pattern.fullmatch, make_reader(compiled.time_form, zone)
    has_request = "request" in compiled.pattern.groupindex
    timed, unit = next(((n, unit) for n, unit in _UNITS.items() if n in compiled.pattern.groupindex), ("", 0))

    def parse(line: str) -> Hit | str | None:
        found = match(line)
        if found is None:
            return "not of this format" if line.strip() else None
        field = found.groupdict()
        request = field["request"] if has_request else f"{field['method']} {field['url']}"
        return make_hit(
            _without_port(_last_hop(field["address"])),
            read_time(field["time"]),
            request,
            field["status"],
            field.get("size", "-"),
            field.get("agent", "-"),
            read_duration(field[timed], unit) if timed else None,
            field.get("referrer"),
        )

    return parse


def _last_hop(addresses: str) -> str:
    """Of the addresses in a header the last: that one our own proxy has added, and whoever sent the rest may lie."""
    return addresses.rpartition(",")[2].strip(" ")


def _without_port(address: str) -> str:
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
