"""A mail server on loopback that takes mail in plain text (RFC 5321), and keeps it."""

from __future__ import annotations

import email
import email.policy
import socketserver
from contextlib import AbstractContextManager
from email.message import EmailMessage

from tests.sources.provider import running


class MailServer(socketserver.ThreadingTCPServer):
    """`mails`: what was taken, each with the recipients of its envelope. Recipients of `refused` are not taken."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.mails: list[tuple[list[str], EmailMessage]] = []
        self.refused: set[str] = set()

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Session(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        recipients: list[str] = []
        self._say("220 here")
        for line in self.rfile:
            command = line.decode().strip()
            word = command.split(" ")[0].upper()
            if word == "RCPT":
                address = command.partition("<")[2].partition(">")[0]
                is_taken = address not in self.server.refused
                recipients += [address] if is_taken else []
                self._say("250 taken" if is_taken else "550 unknown")
            elif word == "DATA":
                self._say("354 go on")
                self.server.mails.append((recipients, self._mail()))
                self._say("250 taken")
            elif word == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 so be it")

    def _mail(self) -> EmailMessage:
        lines = []
        for line in self.rfile:
            if line == b".\r\n":
                break
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return email.message_from_bytes(b"".join(lines), EmailMessage, policy=email.policy.default)

    def _say(self, line: str) -> None:
        self.wfile.write(f"{line}\r\n".encode())


def taking_mail() -> AbstractContextManager[MailServer]:
    """A mail server for as long as the context lasts."""
    return running(MailServer())
