"""A mail server on loopback that keeps what it is given, and can be told to refuse."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
from dataclasses import dataclass, field
from email.message import EmailMessage

from aiosmtpd.smtp import SMTP, Envelope, Session

LINK = re.compile(r"https?://\S+/join#visit=(v_\w+)&key=([\w-]+)")
CONFIG = """
[invitations]
region = "Region Exempel"
help_phone = "0771-11 22 33"
motto = "Nära dig"
logo_file = "{logo}"
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
sender = "evisit@region.example"
"""


@dataclass
class Delivered:
    """One transaction: its envelope, and the bytes as they came."""

    sender: str
    recipients: list[str]
    raw: bytes

    @property
    def message(self) -> EmailMessage:
        read = email.message_from_bytes(self.raw, policy=email.policy.default)
        assert isinstance(read, EmailMessage)
        return read

    def text(self, subtype: str) -> str:
        """The body in plain text or HTML."""
        body = self.message.get_body((subtype,))
        assert isinstance(body, EmailMessage)
        return str(body.get_content()).replace("\r\n", "\n")


@dataclass
class Mailbox:
    """The server. `answers` are what it says to the next mails, by recipient; else it takes them."""

    mails: list[Delivered] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    port: int = 0
    came: asyncio.Event = field(default_factory=asyncio.Event)
    _server: asyncio.Server | None = None

    async def start(self) -> None:
        def protocol() -> SMTP:
            return SMTP(self, hostname="mail.example", loop=asyncio.get_running_loop())

        self._server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        said = self.answers.get(address)
        if said:
            return said.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        assert envelope.mail_from is not None
        self.mails.append(Delivered(envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        self.came.set()
        return "250 OK"

    async def until(self, count: int) -> None:
        """Until so many mails are there."""
        async with asyncio.timeout(60):
            while len(self.mails) < count:
                self.came.clear()
                await self.came.wait()


def link_in(text: str) -> re.Match[str]:
    """The shared link in a mail: its visit and its key are the groups."""
    found = LINK.search(text)
    assert found is not None, text
    return found
