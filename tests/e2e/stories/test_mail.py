"""An interpreter comes by a mail that the care record had sent, and by one that a clinician sent from a draft."""

from __future__ import annotations

import email
import email.policy
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import pytest
from playwright.async_api import expect

from tests.e2e.mailbox import Delivered, Mailbox, link_in
from tests.e2e.server import Server
from tests.e2e.stories.conftest import Arrive
from tests.e2e.stories.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

TO = ["tolk.canary@tolkar.example", "ombud.canary@exempel.example"]
PRIVATE = ("canary", "tolkar", "exempel.example", "Bcc", "Per P", "Maria P", "Eva Ek", "Återbesök", "gonmottagning")
"""What stands in no byte that anybody is delivered: the recipients, the patient, the clinic, why."""


@pytest.fixture
async def server(mailing_server: Server) -> AsyncIterator[Server]:
    server = mailing_server
    yield server
    await server.stop()
    log = server.log.read_text()
    assert "canary" not in log
    assert '"level": "error"' not in log, log


async def clinician(arrive: Arrive, server: Server) -> Person:
    eva = await arrive()
    await eva.log_in(server.told["portals"]["care_record"], "demo:eva")
    return eva


def tells_of_nobody(mail: Delivered) -> None:
    everything = mail.raw.decode("ascii") + "".join(
        str(part.get_content()) for part in mail.message.walk() if part.get_content_maintype() == "text"
    )
    for word in PRIVATE:
        assert word not in everything, word


async def comes_by(link: str, arrive: Arrive, server: Server, eva: Person) -> None:
    """Open the link in a new browser, wait, be let in by staff, and hear and see each other."""
    interpreter = await arrive()
    await interpreter.page.goto(link)
    await interpreter.join(name="Amina Tolk", role="interpreter")
    await interpreter.waits()
    await eva.page.goto(server.told["portals"]["care_record"])
    await eva.follow((await eva.menu_of(server.told["visit"])).get_by_test_id("menu-join"))
    await eva.join()
    await eva.admit("Amina Tolk", agreed=True)
    for person in (eva, interpreter):
        await person.sees_and_hears(1)


async def test_by_a_mail_that_the_server_sends(server: Server, mailbox: Mailbox, arrive: Arrive) -> None:
    eva = await clinician(arrive, server)
    await (await eva.menu_of(server.told["visit"])).get_by_test_id("menu-invite").click()
    await eva.page.get_by_label("E-postadresser").fill("\n".join(TO))
    await eva.page.get_by_test_id("send").click()
    await expect(eva.page.get_by_test_id("status")).to_have_text("Inbjudan är på väg.")
    await mailbox.until(len(TO))
    assert sorted(mail.recipients for mail in mailbox.mails) == [[address] for address in sorted(TO)]
    for mail in mailbox.mails:
        tells_of_nobody(mail)
    await comes_by(link_in(mailbox.mails[0].text("plain"))[0], arrive, server, eva)


async def test_by_a_draft_that_the_clinician_sends(
    server: Server, mailbox: Mailbox, arrive: Arrive, tmp_path: Path
) -> None:
    eva = await clinician(arrive, server)
    await (await eva.menu_of(server.told["visit"])).get_by_test_id("menu-draft").click()
    await eva.page.get_by_label("E-postadresser").fill("\n".join(TO))
    async with eva.page.expect_download() as downloading:
        await eva.page.get_by_test_id("draft").click()
    download = await downloading.value
    file = tmp_path / "draft.eml"
    await download.save_as(file)
    assert download.suggested_filename.endswith(".eml")
    draft = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert isinstance(draft, EmailMessage)
    assert draft["X-Unsent"] == "1"
    assert [address.addr_spec for address in draft["Bcc"].addresses] == TO
    assert mailbox.mails == []

    # What a mail program does: everybody into the envelope, Bcc out of the mail.
    del draft["Bcc"]
    await aiosmtplib.send(
        draft, sender="eva@region.example", recipients=TO, hostname="127.0.0.1", port=mailbox.port, start_tls=False
    )
    await mailbox.until(1)
    (mail,) = mailbox.mails
    assert mail.recipients == TO
    tells_of_nobody(mail)
    await comes_by(link_in(mail.text("plain"))[0], arrive, server, eva)
