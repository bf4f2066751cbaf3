"""Mails on their way: what is kept of them meanwhile, when they are tried again, and when they are not sent any more."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sfu.ids import VisitId
from sfu.redact import Redacted
from sfu.visits.bookings import BookedVisit
from sfu.visits.webhooks import Outcome

GIVE_UP_AFTER = timedelta(days=1)
SECONDS_BETWEEN: Final = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0)
"""After the first attempt, the second, and so on; then always the last. Greylisting lets in after some minutes."""
NONCE_BYTES = 12  # what GCM is made for; random, and far fewer than 2^32 mails a key


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingMail:
    """A mail whose turn it is."""

    mail: str
    invitation: str
    visit: VisitId
    language: str
    link_generation: int
    sealed: bytes
    at: datetime
    attempts: int


@dataclass(frozen=True, slots=True)
class Content:
    """What is personal of a mail."""

    address: Redacted[str]
    message: Redacted[str]


class Envelope:
    """Closes address and message for the database, and opens them again for delivery."""

    def __init__(self, key: Redacted[bytes]) -> None:
        self._cipher = AESGCM(key.reveal())

    def close(self, mail: str, content: Content) -> bytes:
        nonce = os.urandom(NONCE_BYTES)
        words = json.dumps([content.address.reveal(), content.message.reveal()]).encode()
        return nonce + self._cipher.encrypt(nonce, words, mail.encode())

    def open(self, mail: str, sealed: bytes) -> Content | None:
        """None where the key is another one by now: the mail cannot be sent any more."""
        try:
            words = self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], mail.encode())
        except InvalidTag:
            return None
        address, message = json.loads(words)
        return Content(Redacted(address), Redacted(message))


def fate(mail: WaitingMail, booked: BookedVisit | None, closes_at: datetime | None, now: datetime) -> Outcome | None:
    """What becomes of a mail without another attempt; None: it is to be sent.

    Its link is dead where the visit is over or the link was made anew. Whoever renewed it did not mean to hand out the new one.
    """
    if booked is None or closes_at is None or booked.visit.closed is not None or now >= closes_at:
        return Outcome.CANCELLED
    if booked.visit.link_generation != mail.link_generation:
        return Outcome.CANCELLED
    return None


def next_attempt(mail: WaitingMail, now: datetime) -> datetime | None:
    """When to try again after an attempt that failed for now; None: never."""
    if now - mail.at >= GIVE_UP_AFTER:
        return None
    return now + timedelta(seconds=SECONDS_BETWEEN[min(mail.attempts, len(SECONDS_BETWEEN) - 1)])
