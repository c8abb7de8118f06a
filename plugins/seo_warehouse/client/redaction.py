"""Secrets cut out of whatever is kept or said."""

from __future__ import annotations

import base64
import binascii
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from urllib.parse import parse_qsl, urlsplit

from seo_warehouse.client.forms import Spoken, has_coded_letters, packed_forms

REMOVED = "[removed]"
_NAME = (
    r"[\w.-]{0,40}?(?:key|token|secret|password|passwd|passphrase|pwd|auth|authorization|signature|sig|credentials?"
    r"|jwt|assertion|session_?id)"
)
_SECRET_NAME = re.compile(f"(?i)(?:{_NAME}|(?:set-)?cookie)")
"""Of a header or parameter that holds a secret, whoever named it."""
_SECRET_PARAMETER = re.compile(
    rf"(?i)((?:[?&;]|\\u0026|%(?:25){{0,8}}(?:3f|26)){_NAME}(?:=|%(?:25){{0,8}}3d))(?:(?!%(?:25){{0,8}}26)[^&#\s\"'<>\\])+"
)
_CREDENTIALS = re.compile(r"(?i)\b(basic|bearer)\s+[a-z0-9+/=._~-]{8,}")
_USER_INFO = re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,30}://)[^/?#\s\"'<>]{1,2000}@")
_LEAST_LENGTH = 8
"""A shorter secret is also an ordinary word: cutting it out of answers would falsify them."""


class Redactor:
    """Knows the secrets that requests carried, and cuts them out of texts, headers and bodies, in whatever form."""

    def __init__(self) -> None:
        self._secrets: dict[str, Spoken] = {}

    def know(self, secrets: Iterable[str]) -> None:
        """Take note of what its owner calls a secret, however short."""
        for secret in secrets:
            if secret and secret not in self._secrets:
                self._secrets |= {text: Spoken(text) for text in (secret, *packed_forms(secret))}
                # The longer first: a secret may hold another.
                self._secrets = dict(sorted(self._secrets.items(), key=lambda item: -len(item[0])))

    def learn(self, request_headers: Mapping[str, str | bytes]) -> None:
        """Take note of the secrets in a signed request's headers."""
        for name, value in request_headers.items():
            if _SECRET_NAME.fullmatch(name):
                text = value.decode("latin-1") if isinstance(value, bytes) else value
                self.know(part for part in _parts(name.lower(), text) if len(part) >= _LEAST_LENGTH)

    def learn_query(self, url: str, signed_url: str) -> None:
        """Take note of the values that signing has put into an address, and of those whose names tell a secret."""
        there = _parameters(signed_url)
        added = Counter(value for _, value in there)
        added.subtract(value for _, value in _parameters(url))
        named = {value for name, value in there if _SECRET_NAME.fullmatch(name)}
        values = {value for value, count in added.items() if count > 0} | named
        self.know(value for value in values if len(value) >= _LEAST_LENGTH)

    def text(self, text: str) -> str:
        """A message or address without secrets, known ones and such as look like one."""
        text = self.body(text.encode("utf-8", "surrogatepass")).decode("utf-8", "surrogatepass")
        text = _SECRET_PARAMETER.sub(rf"\1{REMOVED}", text)
        text = _USER_INFO.sub(rf"\1{REMOVED}@", text)
        return _CREDENTIALS.sub(rf"\1 {REMOVED}", text)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers with lower-cased names, without those that carry secrets."""
        # As it came: what a provider wrote in UTF-8 stands here as Latin-1, whose bytes are the same.
        kept = {name.lower(): value.encode("latin-1", "replace") for name, value in headers.items()}
        return {
            name: self.text(self.body(value).decode("latin-1"))
            for name, value in kept.items()
            if not _SECRET_NAME.fullmatch(name)
        }

    def body(self, body: bytes) -> bytes:
        """A body without the known secrets; nothing is guessed here, a body is kept as it came."""
        is_coded = has_coded_letters(body)
        for secret in self._secrets.values():
            body = secret.cut(body, REMOVED.encode(), is_coded=is_coded)
        return body


def _parts(name: str, value: str) -> list[str]:
    """The secrets within a header's value."""
    if name == "cookie":
        return [value, *(cookie.partition("=")[2].strip() for cookie in value.split(";"))]
    if not name.endswith("authorization"):
        return [value.strip()]
    scheme, _, credentials = value.strip().partition(" ")
    if not credentials:
        return [scheme]
    if scheme.lower() != "basic":
        return [credentials]
    try:
        login = base64.b64decode(credentials, validate=True)
    except binascii.Error:
        return [credentials]
    # requests writes Latin-1 where it can, others UTF-8.
    return [credentials, *{login.partition(b":")[2].decode(code, "replace") for code in ("utf-8", "latin-1")}]


def _parameters(url: str) -> list[tuple[str, str]]:
    return parse_qsl(urlsplit(url).query)
