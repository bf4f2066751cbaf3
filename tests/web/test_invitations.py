"""The calls of invitations, over a real server and a real store, with an outbox that only counts."""

from __future__ import annotations

import email
import email.policy
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path

import pytest

from sfu.admission.links import generation_of
from sfu.config import Smtp
from sfu.ids import VisitId
from sfu.visits import mail_rows
from sfu.visits.deliveries import Envelope
from sfu.visits.invitations import MAX_OF_VISIT
from sfu.visits.webhooks import Outcome
from tests.databases import Database
from tests.visits.sample import body
from tests.web.portal_stage import Stage, staged

TO = {"to": ["tolk.canary@example.se", "ombud.canary@example.se"]}
DOCUMENT = (Path(__file__).parents[2] / "docs" / "invitations.md").read_text()


@pytest.fixture
async def stage(tmp_path: Path, database: Database) -> AsyncIterator[Stage]:
    async with staged(tmp_path, database) as stage:
        yield stage
        assert stage.bugs == []


@pytest.fixture
async def path(stage: Stage) -> str:
    return f"/visits/{await stage.book(body())}/invitations"


async def test_an_invitation_is_stored_logged_and_told_of_by_place(stage: Stage, path: str) -> None:
    answer = await stage.call("POST", path, TO | {"message": "Vi ses"})
    assert answer.status == 202
    told = answer.json
    assert told["invitation"].startswith("i_")
    assert (told["at"], told["language"]) == ("2026-11-23T08:45:00Z", "sv")
    assert [each["outcome"] for each in told["recipients"]] == ["waiting", "waiting"]
    assert (await stage.call("GET", path)).json == {"invitations": [told]}
    assert stage.outbox.woken == 1
    assert (await stage.actions(path.split("/")[2]))[-1] == "invited"


async def test_what_became_of_it_is_told(stage: Stage, path: str) -> None:
    await stage.call("POST", path, TO)
    due, _ = await stage.store.look(lambda c: mail_rows.take(c, datetime(2027, 1, 1, tzinfo=UTC), 10))
    envelope = Envelope(stage.keys.mail)
    content = [envelope.open(each.mail, each.sealed) for each in due]
    assert sorted(each.address.reveal() for each in content if each) == sorted(TO["to"])
    await stage.store.change(
        lambda c: mail_rows.settle(c, due[0].mail, Outcome.FAILED, stage.wall, code=550, tried=True)
    )
    (invitation,) = (await stage.call("GET", path)).json["invitations"]
    failed = next(each for each in invitation["recipients"] if each["outcome"] == "failed")
    assert failed | {"recipient": 0} == {
        **{"recipient": 0, "outcome": "failed", "attempts": 1},
        **{"settled_at": "2026-11-23T08:45:00Z", "smtp_code": 550},
    }


async def test_no_address_and_no_link_is_in_the_database_or_an_answer(stage: Stage, path: str) -> None:
    sent = await stage.call("POST", path, TO | {"message": "hemligheten"}, headers={"Idempotency-Key": "a"})
    told = sent.raw + (await stage.call("GET", path)).raw
    link = (await stage.call("GET", path.replace("invitations", "link"))).json["share_url"]
    dump = stage.database.text()
    assert path.split("/")[2] in dump
    for secret in ("canary", "hemligheten", link.partition("key=")[2]):
        assert secret not in dump
        assert secret.encode() not in told


async def test_the_same_call_again_sends_nothing_more(stage: Stage, path: str) -> None:
    first = await stage.call("POST", path, TO, headers={"Idempotency-Key": "a"})
    again = await stage.call("POST", path, TO, headers={"Idempotency-Key": "a"})
    other = await stage.call("POST", path, {"to": ["b@c.se"]}, headers={"Idempotency-Key": "a"})
    assert (again.status, again.json) == (202, first.json)
    assert (other.status, other.code) == (409, "idempotency_key_reused")
    assert len((await stage.call("GET", path)).json["invitations"]) == 1


async def test_a_draft_is_a_file_for_the_mail_program(stage: Stage, path: str) -> None:
    answer = await stage.call("POST", path, TO | {"language": "en"}, params={"format": "eml"})
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "message/rfc822"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="invitation-video-visit.eml"'
    assert answer.headers["Cache-Control"] == "no-store"
    message = email.message_from_bytes(answer.raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    text = message.get_body(("plain",))
    assert isinstance(text, EmailMessage)
    link = text.get_content().partition("Link: ")[2].split()[0]
    assert link == (await stage.call("GET", path.replace("invitations", "link"))).json["share_url"]
    visit = await stage.store.visit(VisitId(path.split("/")[2]))
    assert visit is not None
    assert generation_of(stage.keys.link.reveal(), visit.visit.visit, 1, link.partition("key=")[2]) == 1
    assert (await stage.call("GET", path)).json == {"invitations": []}
    assert (stage.outbox.woken, stage.outbox.drafts) == (0, 1)
    assert [row.detail for row in await stage.store.log(visit.visit.visit) if row.action == "invited"] == ["draft"]


async def test_without_a_mail_server_there_are_drafts_alone(tmp_path: Path) -> None:
    async with staged(tmp_path, smtp=Smtp()) as stage:
        path = f"/visits/{await stage.book(body())}/invitations"
        answer = await stage.call("POST", path, TO)
        assert (answer.status, answer.code) == (409, "mail_off")
        assert (await stage.call("POST", path, TO, params={"format": "eml"})).status == 200


@pytest.mark.parametrize("message", ["Per P kommer", "på ögonmottagningen", "Ang. återbesök"])
@pytest.mark.parametrize("params", [{}, {"format": "eml"}])
async def test_a_message_that_tells_too_much_is_refused(
    stage: Stage, path: str, message: str, params: dict[str, str]
) -> None:
    answer = await stage.call("POST", path, TO | {"message": message}, params=params)
    assert (answer.status, answer.code) == (422, "invalid")
    (error,) = answer.json["errors"]
    assert error["pointer"] == "/message"
    assert message not in answer.raw.decode()


async def test_a_visit_has_a_limit_of_mails(stage: Stage, path: str) -> None:
    for batch in range(MAX_OF_VISIT // 20):
        some = {"to": [f"a{batch}x{number}@b.se" for number in range(20)]}
        assert (await stage.call("POST", path, some)).status == 202
    answer = await stage.call("POST", path, {"to": ["one@more.se"]}, headers={"Idempotency-Key": "a"})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/to")
    # It was not done, so it is not remembered either.
    assert (await stage.call("POST", path, {"to": ["one@more.se"]}, headers={"Idempotency-Key": "a"})).status == 422


@pytest.mark.parametrize("address", ["a@b.se\r\nBcc: c@d.se", "a@b.se,c@d.se", "A <a@b.se>", 7, None])
async def test_a_bad_address_is_refused_by_its_place_and_not_repeated(stage: Stage, path: str, address: object) -> None:
    answer = await stage.call("POST", path, {"to": ["good@b.se", address]})
    assert (answer.status, answer.json["errors"][0]["pointer"]) == (422, "/to/1")
    assert b"b.se" not in answer.raw


async def test_nobody_is_invited_to_what_is_over(stage: Stage, path: str) -> None:
    stage.later(days=1)
    for params in ({}, {"format": "eml"}):
        answer = await stage.call("POST", path, TO, params=params)
        assert (answer.status, answer.code) == (409, "visit_ended")
    assert (await stage.call("GET", path)).status == 200


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_foreign_visit_and_none_are_alike(stage: Stage, path: str, method: str) -> None:
    sent = TO if method == "POST" else None
    foreign = await stage.call(method, path, sent, portal="stranger")
    unknown = await stage.call(method, "/visits/v_none/invitations", sent)
    assert (foreign.status, foreign.raw) == (404, unknown.raw)
    for portal in ("visits-write", "visits-read", "tickets-staff", "audit-read"):
        assert (await stage.call(method, path, sent, portal=portal)).status == 403
    assert (await stage.call("GET", "/invitations/signature", portal="visits-read")).status == 403
    assert (await stage.call("GET", "/invitations/signature", portal="invitations")).status == 200


async def test_the_signature_is_text_and_html_in_the_language_asked_for(stage: Stage) -> None:
    swedish = (await stage.call("GET", "/invitations/signature")).json
    english = (await stage.call("GET", "/invitations/signature", params={"language": "en"})).json
    assert (swedish["language"], english["language"]) == ("sv", "en")
    assert "Ring 0771-11 22 33" in swedish["text"]
    assert "Call 0771-11 22 33" in english["html"]
    assert swedish["logo"] is None
    other = await stage.call("GET", "/invitations/signature", params={"language": "de"})
    assert (other.status, other.code) == (400, "bad_request")


async def test_the_documents_examples_are_true(stage: Stage, path: str) -> None:
    request = json.loads(DOCUMENT.split("-d '")[1].split("'\n")[0])
    example = json.loads(DOCUMENT.split("```json\n")[1].split("```")[0])
    answer = await stage.call("POST", path, request)
    assert answer.status == 202
    assert answer.json | {"invitation": "i_5d0c"} == example


def test_the_documents_table_of_outcomes_is_complete() -> None:
    rows = {line.split("`")[1] for line in DOCUMENT.splitlines() if line.startswith("| `")}
    assert rows == {outcome.value for outcome in Outcome} - {"delivered"}
