"""A message as each channel takes it. Nothing of a page or a vendor goes out as more than text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any

from seo_warehouse.terminal import one_line

LONGEST = 1_000
"""Characters of one alert's text."""
_QUERY = re.compile(r"(https?://[^\s?#]*)[?#]\S*", re.IGNORECASE)


@dataclass(frozen=True)
class Message:
    """What is sent at once: alerts of one channel, or the morning's message.

    `message_id` is the same whenever it is sent again, so that a receiver can tell. `alerts` are the alerts in it, as a
    webhook has them: JSON objects.
    """

    message_id: str
    kind: str
    title: str
    lines: tuple[str, ...]
    alerts: tuple[dict[str, Any], ...] = ()

    @property
    def text(self) -> str:
        """Title and lines, as people read them."""
        return "\n".join((self.title, *self.lines))


def plain(text: str) -> str:
    """A text of whatever origin as one line that may leave the machine: no controls, and no query of an address."""
    whole = _QUERY.sub(r"\1?...", one_line(text))
    return whole if len(whole) <= LONGEST else f"{whole[: LONGEST - 3]}..."


def as_json(message: Message) -> dict[str, Any]:
    """The body of a webhook's POST."""
    return {
        "id": message.message_id,
        "kind": message.kind,
        "title": message.title,
        "text": message.text,
        "alerts": list(message.alerts),
    }


def as_slack(message: Message) -> dict[str, Any]:
    """The body for an incoming webhook of Slack, its three control characters escaped.

    Source: https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    text = message.text
    for character, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(character, escaped)
    return {"text": text}


def as_mail(message: Message, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    """A mail of plain text. Auto-Submitted (RFC 3834) keeps absence notes from answering it."""
    mail = EmailMessage()
    mail["Subject"] = message.title
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<{message.message_id}@seo-warehouse.invalid>"
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(message.text + "\n")
    return mail
