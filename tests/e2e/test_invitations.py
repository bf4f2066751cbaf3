"""Invitations from the call to the meeting: a real server, a real mail server, and the link that the mail holds."""

from __future__ import annotations

import asyncio
import email
import email.policy
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from email.message import EmailMessage
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, expect

from tests.e2e.client import Client
from tests.e2e.mailbox import Mailbox, link_in
from tests.e2e.server import Server

Connect = Callable[[], Awaitable[Client]]
OpenPage = Callable[[], Awaitable[Page]]

TO = ["tolk.canary@tolkar.example", "ombud.canary@exempel.example", "skola.canary@kommun.example"]


@pytest.fixture
async def server(mailing_server: Server, tmp_path: Path) -> AsyncIterator[Server]:
    server = mailing_server
    yield server
    await server.stop()
    log = server.log.read_text()
    assert '"level": "error"' not in log, log
    assert "Traceback" not in log, log
    assert "canary" not in log
    for file in (tmp_path / "data").glob("evisit.db*"):
        assert b"canary" not in file.read_bytes()


async def outcomes(server: Server, visit: str) -> list[str]:
    told = await server.api("GET", f"/visits/{visit}/invitations")
    return [each["outcome"] for invitation in told["invitations"] for each in invitation["recipients"]]


async def until_all(server: Server, visit: str, outcome: str) -> None:
    """Until every mail of the visit has come so far."""
    told: list[str] = []
    for _ in range(300):
        told = await outcomes(server, visit)
        if set(told) == {outcome}:
            return
        await asyncio.sleep(0.1)  # another process: it tells when it is asked
    raise AssertionError(told)


async def admitted_by(link: re.Match[str], clinician: Client, guest: Client) -> None:
    """Come by the link, wait, and be let in."""
    await guest.join(visit=link[1], key=link[2], name="Amina Tolk", role="interpreter")
    assert guest.state == "waiting"
    await clinician.ask("admit", participant=guest.id, agreed=True)
    await guest.until(lambda one: one.state == "admitted")


async def test_no_recipient_can_be_found_in_a_byte_that_another_gets(server: Server, mailbox: Mailbox) -> None:
    visit = await server.book()
    await server.api("POST", f"/visits/{visit}/invitations", {"to": TO, "language": "sv"}, status=202)
    await mailbox.until(len(TO))
    assert sorted(mail.recipients for mail in mailbox.mails) == [[address] for address in sorted(TO)]
    for mail in mailbox.mails:
        everything = mail.raw.decode("ascii") + "".join(
            str(part.get_payload(decode=True)) for part in mail.message.walk() if not part.is_multipart()
        )
        for word in ("canary", "tolkar", "exempel.example", "kommun", "Bcc", "Per P", "Återbesök", "gonmottagning"):
            assert word not in everything, word
        assert mail.text("plain").count("/join#") == 1
        assert "Ring 0771-11 22 33" in mail.text("html")
    await until_all(server, visit, "sent")
    metrics = await server.metrics()
    assert metrics["evisit_invitations_total", (("outcome", "sent"),)] == len(TO)
    log = await server.api("GET", f"/visits/{visit}/audit")
    assert [(row["action"], row["detail"]) for row in log["entries"]][1] == ("invited", "mail")


async def test_an_invitation_outlives_kill_9_and_a_mail_server_that_is_away(server: Server, mailbox: Mailbox) -> None:
    visit = await server.book()
    await mailbox.stop()
    await server.api("POST", f"/visits/{visit}/invitations", {"to": TO[:1], "message": "Välkommen"}, status=202)
    await server.kill()
    await mailbox.start()
    await server.start()
    await mailbox.until(1)
    assert "Välkommen" in mailbox.mails[0].text("plain")
    assert link_in(mailbox.mails[0].text("plain"))[0].startswith(server.base_url)
    await until_all(server, visit, "sent")


@pytest.mark.browser
@pytest.mark.timeout(120)
async def test_the_interpreter_comes_by_the_link_in_the_mail(
    server: Server, mailbox: Mailbox, client: Connect, page: OpenPage
) -> None:
    visit = await server.book()
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    await server.api("POST", f"/visits/{visit}/invitations", {"to": TO[:1], "language": "sv"}, status=202)
    await mailbox.until(1)
    plain, markup = link_in(mailbox.mails[0].text("plain")), unescape(mailbox.mails[0].text("html"))
    assert f'<a href="{plain[0]}">{plain[0]}</a>' in markup

    window = await page()
    await window.goto(plain[0])
    await window.get_by_test_id("name").fill("Amina Tolk")
    await window.get_by_test_id("role").select_option("interpreter")
    await window.get_by_test_id("join").click()
    await expect(window.get_by_test_id("waiting")).to_be_visible()
    (waiting,) = (await server.api("GET", f"/visits/{visit}/participants"))["participants"][1:]
    assert (waiting["state"], waiting["person"]) == ("waiting", None)
    await clinician.ask("admit", participant=waiting["participant"], agreed=True)
    await expect(window.get_by_test_id("meeting")).to_be_visible()


async def test_the_draft_opens_with_everybody_in_bcc_and_its_link_works(
    server: Server, mailbox: Mailbox, client: Connect
) -> None:
    visit = await server.book()
    headers = {"Authorization": f"Bearer {server.told['portal_key']}"}
    url = f"{server.base_url}/api/v1/visits/{visit}/invitations?format=eml"
    async with aiohttp.ClientSession(headers=headers) as session, session.post(url, json={"to": TO}) as response:
        assert (response.status, response.content_type) == (200, "message/rfc822")
        raw = await response.read()
    draft = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(draft, EmailMessage)
    assert [address.addr_spec for address in draft["Bcc"].addresses] == TO
    assert (draft["X-Unsent"], draft["To"], draft["Cc"]) == ("1", None, None)
    assert mailbox.mails == []

    # What a mail program does with it: everybody in the envelope, Bcc taken out.
    del draft["Bcc"]
    assert b"canary" not in draft.as_bytes()
    text: Any = draft.get_body(("plain",))
    clinician = await (await client()).join(ticket=await server.clinician(visit))
    await admitted_by(link_in(text.get_content()), clinician, await client())
