"""Secrets cut out of whatever is kept or said."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping

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
    """Knows the secrets that requests carried, and cuts them out of texts, headers and bodies."""

    def __init__(self) -> None:
        self._secrets: list[str] = []

    def learn(self, request_headers: Mapping[str, str | bytes]) -> None:
        """Take note of the secrets in a signed request's headers."""
        for name, value in request_headers.items():
            if name.lower() in _SECRET_HEADERS:
                text = value.decode("latin-1") if isinstance(value, bytes) else value
                for secret in _parts(text):
                    if len(secret) >= _LEAST_LENGTH and secret not in self._secrets:
                        self._secrets.append(secret)
        self._secrets.sort(key=len, reverse=True)

    def text(self, text: str) -> str:
        """A message or address without secrets, known ones and such as look like one."""
        for secret in self._secrets:
            text = text.replace(secret, REMOVED)
        text = _SECRET_PARAMETER.sub(rf"\1{REMOVED}", text)
        text = _USER_INFO.sub(rf"\1{REMOVED}@", text)
        return _CREDENTIALS.sub(rf"\1 {REMOVED}", text)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """Headers with lower-cased names, without those that carry secrets."""
        return {
            name.lower(): self.text(value) for name, value in headers.items() if name.lower() not in _SECRET_HEADERS
        }

    def body(self, body: bytes) -> bytes:
        """A body without the known secrets; nothing is guessed here, a body is kept as it came."""
        for secret in self._secrets:
            body = body.replace(secret.encode("utf-8"), REMOVED.encode())
        return body


def _parts(value: str) -> list[str]:
    scheme, _, credentials = value.strip().partition(" ")
    if not credentials:
        return [scheme]
    if scheme.lower() != "basic":
        return [credentials]
    try:
        _, _, password = base64.b64decode(credentials, validate=True).decode("utf-8", "replace").partition(":")
    except binascii.Error:
        return [credentials]
    return [credentials, password]
