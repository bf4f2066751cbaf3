"""Sends the mails that wait, one envelope each, over one connection at a time, and says in the database what became of them."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

import aiosmtplib

from sfu import clock, tasks
from sfu.admission.windows import window
from sfu.config import Config
from sfu.errors import StoreUnavailable
from sfu.ids import VisitId
from sfu.log import logger
from sfu.visits import mail_rows
from sfu.visits.bookings import BookedVisit
from sfu.visits.deliveries import Envelope, WaitingMail, fate, next_attempt
from sfu.visits.invitations import Invitation, mail
from sfu.visits.keys import Keys
from sfu.visits.store import Store
from sfu.visits.webhooks import Outcome
from sfu.visits.wording import Wording
from sfu.web.invitations import shared_link

AT_A_TIME = 20  # mails over one connection
ANSWER_SECONDS = 30.0  # for each answer of the mail server
POLL_SECONDS = 30.0  # for what fell due meanwhile, and after the database was away

log = logger(__name__)


class Deliveries:
    """The outbox. `start` begins, `stop` ends; a mail that is under way then is sent again, under the same Message-ID."""

    def __init__(
        self,
        store: Store,
        config: Config,
        keys: Keys,
        wording: Wording,
        *,
        wall: Callable[[], datetime] = clock.wall,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Raises `ConfigError` where the mail server's password cannot be read."""
        self.outcomes: Counter[str] = Counter(sent=0, retried=0, failed=0, cancelled=0, drafted=0)
        self._store = store
        self._config = config
        self._smtp = config.smtp
        self._password = config.smtp.password()
        self._link_secret = keys.link
        self._envelope = Envelope(keys.mail)
        self._wording = wording
        self._wall = wall
        self._poll_seconds = poll_seconds
        self._wake = asyncio.Event()
        self._running: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._smtp.host:
            self._running = tasks.spawn(self._run(), name="mail")

    async def stop(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def wake(self) -> None:
        """There is a mail to send."""
        self._wake.set()

    def drafted(self) -> None:
        """A draft was handed out."""
        self.outcomes["drafted"] += 1

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            pause = self._poll_seconds
            with suppress(StoreUnavailable):
                now = self._wall()
                due, next_due = await self._store.look(partial(mail_rows.take, now=now, limit=AT_A_TIME))
                if due:
                    await self._deliver(due)
                    continue
                if next_due is not None:
                    pause = min(pause, max(0.0, (next_due - now).total_seconds()))
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _deliver(self, due: Sequence[WaitingMail]) -> None:
        """One round. Where the server is away, every mail of the round has had its attempt."""
        client: aiosmtplib.SMTP | None = None
        try:
            for each in due:
                try:
                    composed = await self._composed(each)
                except StoreUnavailable:
                    raise
                except Exception as error:
                    log.error("a mail could not be made", visit=each.visit, exc_info=error)
                    await self._again([each], None)
                    continue
                if composed is None:
                    continue
                recipient, content = composed
                try:
                    if client is None:
                        client = self._client()
                        await client.connect()
                    await client.sendmail(self._smtp.sender, [recipient], content)
                except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
                    refused = _refusal(error)
                    if refused is None:
                        # Not this mail, the server: the others need not wait for as many time-outs.
                        log.warning("the mail server takes no mail", error=type(error).__name__)
                        await self._again(due[due.index(each) :], None)
                        return
                    if refused >= 500:
                        log.warning("a mail was refused", visit=each.visit, invitation=each.invitation, code=refused)
                        await self._settle(each, Outcome.FAILED, refused)
                    else:
                        await self._again([each], refused)
                else:
                    await self._settle(each, Outcome.SENT)
        finally:
            if client is not None:
                client.close()

    async def _composed(self, waiting: WaitingMail) -> tuple[str, bytes] | None:
        """Whom it is to, and the mail; None where it is not sent, and that is settled."""
        booked = await self._store.visit(waiting.visit)
        ended = fate(waiting, booked, self._closes_at(booked), self._wall())
        content = self._envelope.open(waiting.mail, waiting.sealed)
        if ended is not None or content is None or booked is None:
            outcome = ended or Outcome.FAILED
            log.warning(
                "a mail was not sent", visit=waiting.visit, invitation=waiting.invitation, outcome=outcome.value
            )
            await self._settle(waiting, outcome, tried=False)
            return None
        invitation = Invitation(
            visit=waiting.visit,
            starts_at=booked.visit.starts_at,
            ends_at=booked.visit.ends_at,
            language="en" if waiting.language == "en" else "sv",
            message=content.message.reveal(),
            link=self._link(waiting.visit, waiting.link_generation),
        )
        composed = mail(invitation, self._wording, sender=self._smtp.sender, id_=waiting.mail, at=self._wall())
        return content.address.reveal(), composed

    def _link(self, visit: VisitId, generation: int) -> str:
        return shared_link(self._config.web.public_url, self._link_secret, visit, generation)

    def _closes_at(self, booked: BookedVisit | None) -> datetime | None:
        if booked is None:
            return None
        times = self._config.visits
        return window(
            booked.visit,
            opens_before_minutes=times.opens_before_minutes,
            closes_after_minutes=times.closes_after_minutes,
        ).closes_at

    def _client(self) -> aiosmtplib.SMTP:
        return aiosmtplib.SMTP(
            hostname=self._smtp.host,
            port=self._smtp.port,
            username=self._smtp.username or None,
            password=self._password.reveal() if self._password else None,
            # What we are called, not what the machine is.
            local_hostname=urlsplit(self._config.web.public_url).hostname,
            timeout=ANSWER_SECONDS,
            use_tls=self._smtp.security == "tls",
            start_tls=self._smtp.security == "starttls",
        )

    async def _settle(
        self, waiting: WaitingMail, outcome: Outcome, code: int | None = None, *, tried: bool = True
    ) -> None:
        at = self._wall()
        await self._store.change(
            lambda connection: mail_rows.settle(connection, waiting.mail, outcome, at, code=code, tried=tried)
        )
        self.outcomes[outcome.value] += 1

    async def _again(self, failed: Sequence[WaitingMail], code: int | None) -> None:
        now = self._wall()
        later = []
        for each in failed:
            due = next_attempt(each, now)
            if due is None:
                log.warning("a mail was given up", visit=each.visit, invitation=each.invitation, code=code)
                await self._settle(each, Outcome.FAILED, code)
            else:
                later.append((each.mail, due, code))
        await self._store.change(lambda connection: mail_rows.postpone(connection, later))
        self.outcomes["retried"] += len(later)


def _refusal(error: Exception) -> int | None:
    """What the server said against this one mail (RFC 5321 4.2); None where it is about more than the mail."""
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused):
        return error.recipients[0].code
    if isinstance(error, aiosmtplib.SMTPDataError) and error.code != 421:
        return error.code
    return None
