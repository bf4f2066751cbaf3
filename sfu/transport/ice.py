"""ICE-lite (RFC 8445) for one peer, with consent (RFC 7675): we answer checks, and send one only where a peer seems to have moved.

A source is valid once an authentic check has come from it, and we send to the selected one: the source of the newest
check that nominates (USE-CANDIDATE). So whoever changes network goes on as soon as its browser has checked from the new one.
Until a source is nominated the first valid one is used, because a browser may begin DTLS before it nominates.

A browser behind a NAT that gives out another port does not know, and checks again within 2.5 s (Chromium) or 6 s (Firefox). So where its
media begin to come from elsewhere it is asked there, by a check of ours: an authentic answer makes the source valid, and selected.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sfu.transport.address import Source
from sfu.transport.drops import DropReason
from sfu.transport.parameters import Consent, Stage
from sfu.transport.stun import BindingRequest, check, is_authentic_answer, success

MAX_SOURCES = 8
"""Valid sources of one peer. A browser with two networks, each IPv4 and IPv6, has four."""

CONNECT_TIMEOUT = 30.0
"""Seconds from the answer to the first nomination; a browser's own ICE gives up after about as long."""
CONSENT_WEAK = 5.0
"""Seconds without a check and without media after which the connection is shown as weak. Chromium checks every 2.5 s, Firefox every 4 to
6 s (RFC 7675 5.1), so that the checks alone would have it flicker.
"""
CONSENT_LOST = 15.0
"""Seconds without a check after which nobody should wait for this peer any more."""
CONSENT_EXPIRED = 30.0
"""Seconds without a check after which we must not send (RFC 7675 5.1), and the transport is freed."""
PREVIOUS_CREDENTIALS_LIFETIME = 30.0
"""Seconds for which the credentials from before an ICE restart still hold: until the answer is there, checks carry them."""

MAX_TRANSACTIONS = 256
"""Transaction ids remembered with their source, from which they may come again: some minutes of a browser's checks. RFC 8489 6.2.1
retransmits within 40 s."""
MAX_SPENT = 4_096
"""Transaction ids remembered after that, so that a check overheard long ago is not taken again: at least an hour and a half of a browser's
checks, one in 2.5 s of each of two candidate pairs. 32 KiB a peer."""

ASK_EVERY = 0.1
"""Seconds from one check of ours to a peer's next: one is enough, and a second if the first is lost."""
MAX_ASKED = 4
"""Checks of ours that wait for their answer."""
ANSWER_WITHIN = 2.0
"""Seconds after which an answer says nothing any more."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """What checks are made with (RFC 8445 5.3)."""

    ufrag: str
    pwd: str


def new_credentials() -> Credentials:
    """Ours for one ICE session: 64 random bits to be found by, 128 random bits to sign with."""
    return Credentials(secrets.token_hex(8), secrets.token_hex(16))


@dataclass(frozen=True, slots=True)
class Accepted:
    """An authentic check, or an authentic answer to ours."""

    response: bytes
    """What the check is answered with; empty for an answer."""
    selects: bool
    """Our datagrams go to its source from now on."""
    evicted: Source | None = None
    """A source that is valid no more, because there were too many."""


class _Session:
    """One set of credentials: those of the last offer and answer, or those before an ICE restart."""

    __slots__ = ("password", "remote_password", "remote_username", "ufrag", "username")

    def __init__(self, local: Credentials, remote: Credentials) -> None:
        self.ufrag = local.ufrag
        self.username = f"{local.ufrag}:{remote.ufrag}".encode()
        self.password = local.pwd.encode()
        self.remote_username = f"{remote.ufrag}:{local.ufrag}".encode()
        self.remote_password = remote.pwd.encode()


class _Spent:
    """Transaction ids of long ago, each as eight bytes of a keyed hash, so that a peer's choice of ids makes no two alike."""

    __slots__ = ("_digests", "_next")

    def __init__(self) -> None:
        self._digests = bytearray()
        self._next = 0

    def add(self, transaction: bytes) -> None:
        """Past MAX_SPENT the oldest makes room."""
        self._digests[self._next : self._next + 8] = _digest(transaction)
        self._next = (self._next + 8) % (MAX_SPENT * 8)

    def __contains__(self, transaction: bytes) -> bool:
        # Also found across two neighbours, as one in 2^49 is by chance.
        return _digest(transaction) in self._digests


def _digest(transaction: bytes) -> bytes:
    return hash(transaction).to_bytes(8, "little", signed=True)


class _Asked:
    """A check of ours under way."""

    __slots__ = ("at", "instead_of", "password", "source")

    def __init__(self, source: Source, instead_of: Source | None, password: bytes, at: float) -> None:
        self.source = source
        self.instead_of = instead_of
        self.password = password
        self.at = at


class IceAgent:
    """One peer's ICE. It is given the checks that name one of `ufrags`, and says what they change."""

    __slots__ = (
        "_ask_after",
        "_asked",
        "_heard",
        "_last_check",
        "_opened",
        "_previous",
        "_previous_until",
        "_restart_pending",
        "_session",
        "_sources",
        "_spent",
        "_tie_breaker",
        "_transactions",
        "nominated",
        "selected",
        "stage",
    )

    def __init__(self, local: Credentials, remote: Credentials, now: float) -> None:
        self._opened = now
        self._last_check = now
        self._heard = now
        self._session = _Session(local, remote)
        self._previous: _Session | None = None
        self._previous_until = 0.0
        self._restart_pending = False
        self._sources: dict[Source, float] = {}
        self._transactions: dict[bytes, Source] = {}
        self._spent = _Spent()
        self._tie_breaker = secrets.token_bytes(8)
        self._asked: dict[bytes, _Asked] = {}
        self._ask_after = now
        self.selected: Source | None = None
        """Where our datagrams go."""
        self.nominated = False
        """Whether the peer has ever chosen: ICE is connected."""
        self.stage = Consent.FRESH
        """How its consent stood when it was last looked at, media counted as a sign of life."""

    @property
    def ufrags(self) -> tuple[str, ...]:
        """Our username fragments that checks may carry now, the newest first."""
        if self._previous is None:
            return (self._session.ufrag,)
        return (self._session.ufrag, self._previous.ufrag)

    @property
    def sources(self) -> tuple[Source, ...]:
        """The valid sources, the one checked longest ago first."""
        return tuple(self._sources)

    def consent(self, now: float) -> Consent:
        """What the time since the last check means."""
        # Sums, as in `next_timer`: a difference may round to less than what is due by its sum.
        last = self._last_check
        if now >= last + CONSENT_EXPIRED:
            return Consent.EXPIRED
        if now >= last + CONSENT_LOST:
            return Consent.LOST
        return Consent.WEAK if now >= last + CONSENT_WEAK else Consent.FRESH

    def receive_check(self, request: BindingRequest, source: Source, now: float) -> Accepted | DropReason:
        """Take a Binding request (RFC 8445 7.3). Where it is not accepted nothing has changed, and nothing is answered.

        A peer that calls itself controlled is answered but cannot nominate. Changing our role by tie-breaker (7.3.1.1) is not
        for a lite agent, which is controlled whatever the peer says (6.1.1); the peer learns that from `a=ice-lite`.
        """
        session = self._session_of(request, now)
        if session is None or not request.is_authentic(session.password):
            return DropReason.STUN_UNAUTHENTICATED
        transactions = self._transactions
        first = transactions.get(request.transaction_id)
        if first is None:
            if request.transaction_id in self._spent:
                return DropReason.STUN_REPLAYED  # also from the source it came from: it would feign consent
            transactions[request.transaction_id] = source
            if len(transactions) > MAX_TRANSACTIONS:
                oldest = next(iter(transactions))
                del transactions[oldest]
                self._spent.add(oldest)
        elif first != source:
            # A check overheard on the way and sent again from elsewhere must not draw our media there.
            return DropReason.STUN_REPLAYED
        evicted = self._validate(source, now)
        selects = self.selected is None
        if request.use_candidate and not request.controlled and self._may_nominate(session):
            selects = self.selected != source
            self.nominated = True
        if selects:
            self.selected = source
        self._last_check = now
        self.stage = Consent.FRESH
        return Accepted(success(request, source, session.password), selects, evicted)

    def ask(self, source: Source, now: float) -> tuple[bytes, bytes] | None:
        """Authentic packets of this peer come from a source that is not valid: the transaction id and bytes of a check to go there.

        None where none is due.
        """
        if not self.nominated or source in self._sources or now < self._ask_after:
            return None
        self._ask_after = now + ASK_EVERY
        session = self._session
        transaction = secrets.token_bytes(12)
        self._asked[transaction] = _Asked(source, self.selected, session.remote_password, now)
        if len(self._asked) > MAX_ASKED:
            del self._asked[next(iter(self._asked))]
        return transaction, check(transaction, session.remote_username, session.remote_password, self._tie_breaker)

    def receive_answer(self, transaction: bytes, data: bytes, source: Source, now: float) -> Accepted | DropReason:
        """Take what is a success response by its header (RFC 8445 7.2.5). MalformedPacket where it is none.

        It counts once, from the source that was asked (7.2.5.2.1), and is a consent (RFC 7675 5.1). The source takes the place of the
        one that was selected then, and of no other: what the peer has nominated meanwhile is the newer word.
        """
        asked = self._asked.get(transaction)
        if asked is None or asked.source != source or now - asked.at > ANSWER_WITHIN:
            return DropReason.STUN_REPLAYED
        if not is_authentic_answer(data, asked.password):
            return DropReason.STUN_UNAUTHENTICATED
        del self._asked[transaction]
        selects = self.selected == asked.instead_of
        if selects:
            self.selected = source
        evicted = self._validate(source, now)
        self._last_check = now
        self.stage = Consent.FRESH
        return Accepted(b"", selects, evicted)

    def uses(self, source: Source, now: float) -> bool:
        """Whether a check has come from this source of late, so that it cannot be anybody else's."""
        checked = self._sources.get(source)
        return checked is not None and now - checked < CONSENT_LOST

    def forget(self, source: Source) -> None:
        """A source is valid no more: it belongs to another peer now, or was a connection that has ended.

        Where it was the selected one, the next authentic check selects where it comes from.
        """
        self._sources.pop(source, None)
        if self.selected == source:
            self.selected = None

    def restart(self, local: Credentials, remote: Credentials, now: float) -> None:
        """New credentials on both sides (RFC 8445 9). What is valid and selected stays; the old credentials hold a while."""
        self._previous = self._session
        self._previous_until = now + PREVIOUS_CREDENTIALS_LIFETIME
        self._session = _Session(local, remote)
        self._restart_pending = True

    def next_timer(self) -> float:
        """When to ask `failure` again and call `handle_timer`."""
        end = self._stage_ends() if self.nominated else self._opened + CONNECT_TIMEOUT
        return end if self._previous is None else min(end, self._previous_until)

    def handle_timer(self, now: float, heard: float) -> None:
        """Look at the consent, and forget the credentials from before a restart when their time is over.

        `heard` is when a packet last came from the peer: who sends is not weak, but only checks say that it wants to receive.
        """
        self._heard = heard
        self.stage = self.consent(now)
        if self.stage is Consent.WEAK and now < heard + CONSENT_WEAK:
            self.stage = Consent.FRESH
        if self._previous is not None and now >= self._previous_until:
            self._previous = None

    def failure(self, now: float) -> Stage | None:
        """What has timed out for good: ICE where the peer never nominated, consent where it went silent later."""
        if not self.nominated:
            return Stage.ICE if now >= self._opened + CONNECT_TIMEOUT else None
        return Stage.CONSENT if self.consent(now) is Consent.EXPIRED else None

    def _stage_ends(self) -> float:
        if self.stage is Consent.FRESH:
            return min(max(self._last_check, self._heard) + CONSENT_WEAK, self._last_check + CONSENT_LOST)
        return self._last_check + (CONSENT_LOST if self.stage is Consent.WEAK else CONSENT_EXPIRED)

    def _session_of(self, request: BindingRequest, now: float) -> _Session | None:
        if request.username == self._session.username:
            return self._session
        previous = self._previous
        if previous is not None and now < self._previous_until and request.username == previous.username:
            return previous
        return None

    def _may_nominate(self, session: _Session) -> bool:
        """After a restart the old credentials nominate until the new ones have, so that a late check does not turn it back."""
        if session is self._session:
            self._restart_pending = False
            return True
        return self._restart_pending

    def _validate(self, source: Source, now: float) -> Source | None:
        """Put the source last, as the one checked most recently; gives the one that has to go for it."""
        self._sources.pop(source, None)
        self._sources[source] = now
        if len(self._sources) <= MAX_SOURCES:
            return None
        evicted = next(candidate for candidate in self._sources if candidate != self.selected)
        del self._sources[evicted]
        return evicted
