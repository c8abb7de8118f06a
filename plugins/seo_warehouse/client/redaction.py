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
_SECRET_HEADERS = frozenset(
    {"authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key", "x-goog-api-key"}
)
_SECRET_PARAMETER = re.compile(
    r"(?i)([?&](?:key|api_?key|access_token|refresh_token|id_token|token|password|secret|client_secret)=)[^&#\s\"']+"
)
_CREDENTIALS = re.compile(r"(?i)\b(basic|bearer)\s+[a-z0-9+/=._~-]{8,}")
_USER_INFO = re.compile(r"(?i)(https?://)[^/@\s]+@")
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
            if name.lower() in _SECRET_HEADERS:
                text = value.decode("latin-1") if isinstance(value, bytes) else value
                self.know(part for part in _parts(text) if len(part) >= _LEAST_LENGTH)

    def learn_query(self, url: str, signed_url: str) -> None:
        """Take note of the values that signing has put into an address."""
        added = Counter(_values(signed_url))
        added.subtract(_values(url))
        self.know(value for value, count in added.items() if count > 0 and len(value) >= _LEAST_LENGTH)

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
            if name not in _SECRET_HEADERS
        }

    def body(self, body: bytes) -> bytes:
        """A body without the known secrets; nothing is guessed here, a body is kept as it came."""
        is_coded = has_coded_letters(body)
        for secret in self._secrets.values():
            body = secret.cut(body, REMOVED.encode(), is_coded=is_coded)
        return body


def _parts(value: str) -> list[str]:
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


def _values(url: str) -> list[str]:
    return [value for _, value in parse_qsl(urlsplit(url).query)]
