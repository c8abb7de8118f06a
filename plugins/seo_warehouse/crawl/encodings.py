"""From bytes to text by the labels of the WHATWG encoding standard (https://encoding.spec.whatwg.org/#names-and-labels).

Its table is the whole truth: Python knows labels that no browser does, among them codecs that are no encodings of pages
(idna, punycode, base64 ...) and take quadratic time, and lacks others; the parser of HTML knows fewer yet.
"""

from __future__ import annotations

import codecs
import re
from typing import Any

import webencodings  # type: ignore[import-untyped]

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16le"), (codecs.BOM_UTF16_BE, "utf-16be"))
_PIECE = 1 << 16
_HEAD = 4_096
"""Bytes among which a page's meta element is sought: the standard's 1,024, and room for what people put before it."""
_DECLARED = re.compile(rb"<\?xml\s[^<>]*?encoding\s*=\s*[\"']\s*([A-Za-z0-9_.:-]+)")
_COMMENT = re.compile(rb"<!--.*?(?:-->|\Z)", re.DOTALL)
_META = re.compile(rb"<meta[\s/](?:[^>\"']|\"[^\"]*\"|'[^']*')*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(rb"([^\s=/>\"']+)\s*(?:=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']+)))?")
_CHARSET = re.compile(r"charset\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s;\"']+))", re.IGNORECASE)


def name_of(label: str | None) -> str | None:
    """The standard's name of the encoding that a label means; None where it means none."""
    found = webencodings.lookup(label) if label else None
    return found.name if found else None


def marked(body: bytes) -> str | None:
    """Name of the encoding that a byte order mark tells."""
    return next((name for mark, name in _BOMS if body.startswith(mark)), None)


def stated_in_page(body: bytes) -> str | None:
    """Name of the encoding that a page states: by its meta elements, else as XML does."""
    head = body[:_HEAD]
    if b"charset" in head.lower():
        for element in _META.findall(_COMMENT.sub(b"", head)):
            found = _told(_label(element))
            if found:
                return found
    return stated_in_xml(head)


def stated_in_xml(body: bytes) -> str | None:
    """Name of the encoding that the declaration of XML states."""
    found = _DECLARED.search(body, 0, _HEAD)
    return _told(found[1].decode("latin-1")) if found else None


def _told(label: str | None) -> str | None:
    """The encoding's name; of one in which it could not have been read as ASCII, what it is read as."""
    found = name_of(label)
    return {"utf-16le": "utf-8", "utf-16be": "utf-8", "x-user-defined": "windows-1252"}.get(found or "", found)


def text_of(body: bytes, name: str) -> str:
    """Bytes in an encoding, by its name, as text; what is none of it becomes U+FFFD. No mark is part of the text."""
    text: str = _codec(name).decode(body, "replace")[0]
    return text.removeprefix("\ufeff")


def utf8_of(body: bytes, name: str) -> bytes:
    """`text_of` in UTF-8; never whole as text, which may be four times as long."""
    decoder = _codec(name).incrementaldecoder("replace")
    pieces = (decoder.decode(body[at : at + _PIECE], at + _PIECE >= len(body)) for at in range(0, len(body), _PIECE))
    return b"".join(piece.encode() for piece in pieces).removeprefix(codecs.BOM_UTF8)


def _codec(name: str) -> Any:
    # What is called GBK is read with all that came later, as the standard says.
    found = webencodings.lookup({"gbk": "gb18030"}.get(name, name))
    if found is None:
        raise ValueError(f"{name} is no encoding")
    return found.codec_info


def _label(element: bytes) -> str | None:
    values: dict[bytes, str] = {}
    for name, *quoted in _ATTRIBUTE.findall(element[5:]):
        values.setdefault(name.lower(), b"".join(quoted).decode("latin-1"))
    if b"charset" in values:
        return values[b"charset"]
    if values.get(b"http-equiv", "").strip().lower() != "content-type":
        return None
    found = _CHARSET.search(values.get(b"content", ""))
    return "".join(filter(None, found.groups())) if found else None
