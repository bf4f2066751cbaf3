"""The server's own keys: files of mode 0600 in one folder, made when they are first needed.

    ticket-<kid>.key   Ed25519 seeds; the newest by name signs tickets, all of them are good for reading
    link.key           what shared links are derived from; without it every link handed out is dead
    answer.key         seals answers that are kept for a repeated Idempotency-Key
    mail.key           seals addresses and messages of mails that are still to be sent

Each file holds 64 hex digits and a line end. The folder belongs in the backup, beside the database.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sfu.admission.tickets import TicketKey, TicketKeys, TicketSigner
from sfu.errors import ConfigError
from sfu.redact import Redacted

KEY_BYTES = 32
TICKET_KEY = re.compile(r"ticket-([0-9A-Za-z_-]{1,64})\.key")


@dataclass(frozen=True, slots=True)
class TicketSeed:
    """The private half of an Ed25519 key, by the `kid` in the tickets that it signs."""

    kid: str
    seed: Redacted[bytes]


@dataclass(frozen=True, slots=True)
class Keys:
    """All keys of the server. None of them prints."""

    tickets: tuple[TicketSeed, ...]
    """Newest first: the first one signs."""
    link: Redacted[bytes]
    answer: Redacted[bytes]
    mail: Redacted[bytes]

    def signer(self, portal: str) -> TicketSigner:
        """What mints tickets in the name of a portal."""
        newest = self.tickets[0]
        return TicketSigner(TicketKey(portal, newest.kid, newest.seed.reveal()))

    def verifier(self, portals: Iterable[str]) -> TicketKeys:
        """What reads tickets of these portals. Those of a portal that is gone are good no more."""
        return TicketKeys(
            TicketKey(portal, each.kid, each.seed.reveal()) for portal in portals for each in self.tickets
        )


def load_or_create(folder: Path, at: datetime) -> Keys:
    """The keys in `folder`; missing ones are made. Raises `ConfigError` where a file is no key or others may read it."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _ticket_files(folder):
            add_ticket_key(folder, at)
        newest_first = sorted(_ticket_files(folder).items(), reverse=True)
        return Keys(
            tickets=tuple(TicketSeed(kid, Redacted(_read(file))) for kid, file in newest_first),
            link=Redacted(_read_or_make(folder / "link.key")),
            answer=Redacted(_read_or_make(folder / "answer.key")),
            mail=Redacted(_read_or_make(folder / "mail.key")),
        )
    except OSError as error:
        raise ConfigError(f"{folder}: cannot be used for the server's keys: {error.strerror}") from error


def add_ticket_key(folder: Path, at: datetime) -> str:
    """Make a ticket key that signs from the next start on; gives its `kid`. The older ones go on being read until removed."""
    # The date first, so that the newest name is the newest key; two of one second differ in the rest.
    kid = f"{at:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    _make(folder / f"ticket-{kid}.key")
    return kid


def _ticket_files(folder: Path) -> dict[str, Path]:
    found = ((TICKET_KEY.fullmatch(file.name), file) for file in folder.iterdir())
    return {match[1]: file for match, file in found if match}


def _read_or_make(file: Path) -> bytes:
    if not file.exists():
        _make(file)
    return _read(file)


def _make(file: Path) -> None:
    """Write a new key under its name at once, whole: a crash leaves no half of one, and no key is ever written over."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.write(secrets.token_hex(KEY_BYTES) + "\n")
            out.flush()
            os.fsync(out.fileno())
        os.link(draft, file)
    except FileExistsError:
        return  # another process was first: its key counts
    finally:
        draft.unlink()
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _read(file: Path) -> bytes:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise ConfigError(f"{file}: others may read this key: chmod 600 it, or replace it if they have")
    text = file.read_bytes()
    if not re.fullmatch(rb"[0-9a-f]{%d}\s*" % (2 * KEY_BYTES), text):
        raise ConfigError(f"{file}: must hold {2 * KEY_BYTES} hex digits")
    return bytes.fromhex(text.decode("ascii"))
