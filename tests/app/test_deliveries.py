"""Mails sent to a real SMTP server: one envelope each, retried, settled, erased, and told of by place alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from sfu.admission.records import AccessEntry, Action
from sfu.app.deliveries import Deliveries
from sfu.config import Config, Invitations, Smtp
from sfu.ids import VisitId
from sfu.redact import Redacted
from sfu.visits import mail_rows
from sfu.visits.deliveries import GIVE_UP_AFTER, Content, Envelope
from sfu.visits.keys import load_or_create
from sfu.visits.mail_rows import MailState
from sfu.visits.outbox_schema import mails
from sfu.visits.store import Store
from sfu.visits.webhooks import Outcome
from sfu.visits.wording import Wording
from tests.databases import Database
from tests.e2e.mailbox import Mailbox
from tests.visits.sample import WALL, booked, entry

VISIT = VisitId("v_1")
A, B, C = "ana.canary@tolk.example", "bo.canary@tolk.example", "cia.canary@tolk.example"


class Stage:
    def __init__(self, store: Store, deliveries: Deliveries, mailbox: Mailbox, envelope: Envelope) -> None:
        self.store = store
        self.deliveries = deliveries
        self.mailbox = mailbox
        self.envelope = envelope
        self.wall = WALL

    async def invite(self, *to: str, generation: int = 1, message: str = "") -> None:
        invited = AccessEntry(visit=VISIT, at=self.wall, action=Action.INVITED, actor="portal:cosmic", detail="mail")
        sealed = {
            f"m_{place}": self.envelope.close(f"m_{place}", Content(Redacted(address), Redacted(message)))
            for place, address in enumerate(to)
        }
        await self.store.change(
            lambda c: mail_rows.invite(
                c, invited, None, sealed, invitation="i_1", language="sv", link_generation=generation
            )
        )
        self.deliveries.wake()

    async def states(self) -> list[MailState]:
        return await self.store.look(lambda c: mail_rows.states(c, VISIT))

    async def until(self, settled: Callable[[], bool], *, later: bool = False) -> None:
        """Let it run. `later`: when nothing is due or under way, the clock on the wall goes to when something is."""
        async with asyncio.timeout(60):
            while not settled():
                due, next_due = await self.store.look(lambda c: mail_rows.take(c, self.wall, 1))
                if later and not due and next_due is not None:
                    self.wall = next_due
                self.deliveries.wake()
                await asyncio.sleep(0.005)

    async def settled(self, outcome: str, count: int = 1, *, later: bool = False) -> None:
        await self.until(lambda: self.deliveries.outcomes[outcome] >= count, later=later)

    async def sealed(self) -> list[bytes]:
        return [
            content
            for content in await self.store.look(
                lambda c: list(c.scalars(mails.select().with_only_columns(mails.c.sealed)))
            )
            if content is not None
        ]


@pytest.fixture(name="stage")
async def staged(tmp_path: Path, database: Database) -> AsyncIterator[Stage]:
    mailbox = Mailbox()
    await mailbox.start()
    config = Config(
        smtp=Smtp(host="127.0.0.1", port=mailbox.port, security="none", sender="evisit@region.example"),
        invitations=Invitations(region="Region X", help_phone="0771"),
    )
    store = await Store.open(database.url)
    await store.create_visit(booked(), entry(Action.CREATED))
    keys = load_or_create(tmp_path / "keys", WALL)
    wording = Wording.load(config.invitations)
    deliveries = Deliveries(store, config, keys, wording, wall=lambda: stage.wall, poll_seconds=0.02)
    stage = Stage(store, deliveries, mailbox, Envelope(keys.mail))
    deliveries.start()
    yield stage
    await deliveries.stop()
    await store.close()
    await mailbox.stop()


async def test_each_recipient_has_an_envelope_and_a_mail_of_their_own(stage: Stage) -> None:
    await stage.invite(A, B, C, message="Vi ses\nsnart")
    await stage.mailbox.until(3)
    assert sorted(mail.recipients[0] for mail in stage.mailbox.mails) == [A, B, C]
    for mail in stage.mailbox.mails:
        assert len(mail.recipients) == 1
        assert mail.sender == "evisit@region.example"
        assert b"canary" not in mail.raw
        assert mail.message.get_all("To") == ["undisclosed-recipients:;"]
        assert (mail.message["Cc"], mail.message["Bcc"]) == (None, None)
        assert "Vi ses\nsnart" in mail.text("plain")
    await stage.settled("sent", 3)
    assert [(state.place, state.outcome, state.attempts) for state in await stage.states()] == [
        (place, Outcome.SENT, 1) for place in range(3)
    ]
    assert await stage.sealed() == []


async def test_addresses_are_not_to_be_read_in_the_database_while_they_wait(stage: Stage) -> None:
    stage.mailbox.answers[A] = ["451 later"]
    await stage.invite(A, message="hemligt")
    await stage.settled("retried")
    (content,) = await stage.sealed()
    assert A.encode() not in content
    assert b"hemligt" not in content


async def test_a_mail_refused_for_now_is_sent_later_and_the_others_at_once(stage: Stage) -> None:
    stage.mailbox.answers[A] = ["451 greylisted", "421 busy"]
    await stage.invite(A, B)
    await stage.settled("sent")
    assert [mail.recipients for mail in stage.mailbox.mails] == [[B]]
    await stage.settled("sent", 2, later=True)
    first, second = await stage.states()
    assert (first.outcome, first.attempts, first.smtp_code) == (Outcome.SENT, 3, None)
    assert second.attempts == 1


async def test_a_mail_refused_for_good_has_failed_with_the_code_and_is_erased(stage: Stage) -> None:
    stage.mailbox.answers[A] = ["550 5.1.1 <ana.canary@tolk.example>: no such user"]
    await stage.invite(A)
    await stage.settled("failed")
    (state,) = await stage.states()
    assert (state.outcome, state.smtp_code, state.attempts) == (Outcome.FAILED, 550, 1)
    assert await stage.sealed() == []


async def test_a_server_that_is_away_loses_nothing(stage: Stage) -> None:
    await stage.mailbox.stop()
    await stage.invite(A, B)
    await stage.settled("retried", 2)
    assert stage.mailbox.mails == []
    await stage.mailbox.start()
    await stage.settled("sent", 2, later=True)
    assert len(stage.mailbox.mails) == 2


async def test_after_a_day_or_when_the_visit_closes_it_is_over(stage: Stage) -> None:
    stage.mailbox.answers[A] = ["451 later"] * 1_000
    await stage.store.change(lambda c: c.exec_driver_sql("UPDATE visits SET ends_at = '2030-01-01 00:00:00.000000'"))
    await stage.invite(A)
    await stage.settled("failed", later=True)
    assert stage.wall - WALL >= GIVE_UP_AFTER
    (state,) = await stage.states()
    assert (state.outcome, state.smtp_code) == (Outcome.FAILED, 451)
    assert await stage.sealed() == []


DEAD = {
    "ended": "UPDATE visits SET closed = 'ended'",
    "cancelled": "UPDATE visits SET closed = 'cancelled'",
    "its link renewed": "UPDATE visits SET link_generation = 2",
    "past its window": "UPDATE visits SET ends_at = '2026-11-01 00:00:00.000000'",
}


@pytest.mark.parametrize("how", DEAD)
async def test_a_mail_whose_link_is_dead_is_not_sent(stage: Stage, how: str) -> None:
    await stage.store.change(lambda c: c.exec_driver_sql(DEAD[how]))
    await stage.invite(A)
    await stage.settled("cancelled")
    (state,) = await stage.states()
    assert (state.outcome, state.attempts) == (Outcome.CANCELLED, 0)
    assert stage.mailbox.mails == []
    assert await stage.sealed() == []


async def test_a_visit_that_was_moved_is_told_with_its_new_time(stage: Stage) -> None:
    stage.mailbox.answers[A] = ["451 later"]
    await stage.invite(A)
    await stage.settled("retried")
    await stage.store.change(
        lambda c: c.exec_driver_sql(
            "UPDATE visits SET starts_at = '2026-11-24 12:00:00.000000', ends_at = '2026-11-24 12:30:00.000000'"
        )
    )
    await stage.settled("sent", later=True)
    assert "tisdag 24 november 2026 kl. 13.00–13.30" in stage.mailbox.mails[0].text("plain")


async def test_what_was_sealed_with_another_key_has_failed(stage: Stage) -> None:
    stage.envelope = Envelope(Redacted(bytes(32)))
    await stage.invite(A)
    await stage.settled("failed")
    assert stage.mailbox.mails == []
